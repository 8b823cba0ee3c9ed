"""scripts/costs: the exact costs of the usual loads, held against results/costs.json."""
