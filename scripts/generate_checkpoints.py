#!/usr/bin/env python3
"""Makes the reference data: see scripts/loadpath/reference."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

from loadpath.reference.generate import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
