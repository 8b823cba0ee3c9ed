#!/usr/bin/env python3
"""Writes results/hostile_files.md: see scripts/loadpath/loaders/hostile_table.py."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from loadpath.loaders.hostile_table import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
