"""scripts/compare: results that were recorded, side by side."""
