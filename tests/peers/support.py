"""The paths come from ctest by way of the environment."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
BIN = Path(os.environ.get("LOADPATH_BIN", ROOT / "build/bin"))
REFERENCE = Path(os.environ.get("LOADPATH_REFERENCE", ROOT / "build/reference"))
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True


class Folder(unittest.TestCase):
    """A folder on the disk of the build: /tmp may be in memory, where no file is ever cold."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(dir=BIN.parent if os.access(BIN.parent, os.W_OK) else None)
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
