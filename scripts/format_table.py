#!/usr/bin/env python3
"""Writes or checks the table of docs/formats.md: see scripts/loadpath/loaders/format_table.py."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from loadpath.loaders.format_table import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
