"""scripts/history: runs that were recorded, in a database that a team can share."""
