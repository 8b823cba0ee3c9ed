"""How two series of the same case are judged, and how that is told: what scripts/regress and scripts/compare share."""
