"""scripts/regress: two builds, sample by sample in turns, and a verdict for each case."""
