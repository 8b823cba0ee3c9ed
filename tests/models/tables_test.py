"""The tables of models, formats and layouts agree with the files, and what one forgot is told in a sentence."""
import shutil
import tempfile
import unittest
from pathlib import Path

import tables

ROOT = Path(__file__).resolve().parents[2]
LINE = "LOADPATH_MODELS(dropout, DropoutModels)\n"


class Tables(unittest.TestCase):
    def test_nothing_is_forgotten(self):
        self.assertEqual(tables.faults_of_models(ROOT) + tables.faults_of_reference_files(ROOT), [])


class Forgotten(unittest.TestCase):
    """Forgets one thing in a copy of the tree."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="tables-"))
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("models", "harness/golden", "scripts/loadpath/reference"):
            shutil.copytree(ROOT / folder, self.root / folder, ignore=shutil.ignore_patterns("__pycache__"))

    def replace(self, file, old, new):
        text = (self.root / file).read_text()
        self.assertIn(old, text)
        (self.root / file).write_text(text.replace(old, new))

    def models(self, *expected):
        self.assertEqual(self.new(tables.faults_of_models), list(expected))

    def files(self, *expected):
        self.assertEqual(self.new(tables.faults_of_reference_files), list(expected))

    def new(self, faults_of):
        """What the tree itself lacks is Tables' to tell."""
        return [fault for fault in faults_of(self.root) if fault not in faults_of(ROOT)]

    def test_a_line_of_models_def(self):
        self.replace("models/models.def", LINE, "")
        self.models("models/models.def lacks the line LOADPATH_MODELS(dropout, …), which models/__init__.py has",
                    "models/dropout.cc is not in models/models.def: add its line")

    def test_a_line_of_init_py(self):
        self.replace("models/__init__.py", '    "dropout": ("dropout",),\n', "")
        self.models('models/__init__.py lacks the line "dropout": (…) in FILES, which models/models.def has',
                    "models/dropout.py is not in models/__init__.py: add its line")

    def test_the_python_twin(self):
        (self.root / "models/dropout.py").unlink()
        self.models("models/__init__.py lists dropout, and there is no models/dropout.py")

    def test_the_cpp_file(self):
        (self.root / "models/dropout.cc").unlink()
        self.models("models/models.def lists dropout, and there is no models/dropout.cc")

    def test_the_function_in_the_cpp_file(self):
        self.replace("models/dropout.cc", "DropoutModels()", "OtherModels()")
        self.models("models/models.def lists DropoutModels, and models/dropout.cc does not define it")

    def test_both_lines_of_a_new_model(self):
        (self.root / "models/new.cc").touch()
        (self.root / "models/new.py").touch()
        self.models("models/new.cc is not in models/models.def: add its line", "models/new.py is not in models/__init__.py: add its line")

    def test_the_function_of_a_format(self):
        self.replace("scripts/loadpath/reference/formats.py", "def write_dcp(", "def save_dcp(")
        self.files("scripts/loadpath/reference/formats.py lacks the function write_dcp: harness/golden/reference_files.json lists dcp")

    def test_the_line_of_a_format(self):
        self.replace("harness/golden/reference_files.json", '    {"name": "dcp", "ending": "", "layouts": ["bare"]},\n', "")
        self.files("harness/golden/reference_files.json lacks a line for dcp: scripts/loadpath/reference/formats.py has the function write_dcp")

    def test_the_function_of_a_layout(self):
        self.replace("scripts/loadpath/reference/layouts.py", "def layout_deep(", "def deep(")
        self.files("scripts/loadpath/reference/layouts.py lacks the function layout_deep: harness/golden/reference_files.json lists deep")

    def test_the_line_of_a_layout(self):
        self.replace("harness/golden/reference_files.json", '    "deep": "run.stages.1.weights.model",\n', "")
        self.files('harness/golden/reference_files.json: the format zip has the layout deep, which "layouts" and "shared" lack',
                   "harness/golden/reference_files.json lacks a line for deep: scripts/loadpath/reference/layouts.py has the function layout_deep")


if __name__ == "__main__":
    unittest.main(verbosity=2)
