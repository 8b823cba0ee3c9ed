"""Files of the three original models load into loadpath's models.

The classes and the way of saving are written out here as their authors wrote them: nothing comes from models/*.py. Run
by ctest, which passes the program ckpt in the environment.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

CKPT = os.environ["LOADPATH_CKPT"]
PATHS = ("auto", "copy", "direct", "assign", "mmap")


class LinearModel(nn.Module):
    def __init__(self, input_dim, output_dim):
        super().__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return self.linear(x)


class CustomLayer(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        return torch.sigmoid(self.linear(x))


class CustomModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.custom = CustomLayer(64, 128)
        self.linear = nn.Linear(128, 10)

    def forward(self, x):
        return self.linear(self.custom(x))


class ModelA(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(10, 5)

    def forward(self, x):
        return self.linear(x)


class ModelB(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 2)

    def forward(self, x):
        return self.linear(x)


class MisnamedCustomModel(nn.Module):
    """CustomModel with other names for its children."""

    def __init__(self):
        super().__init__()
        self.custom_layer = CustomLayer(64, 128)
        self.fc = nn.Linear(128, 10)


class OriginalModels(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        torch.manual_seed(2024)
        self.folder = Path(tempfile.mkdtemp(prefix="original-models-"))
        self.addCleanup(shutil.rmtree, self.folder)
        linear, custom, a, b = LinearModel(10, 2), CustomModel(), ModelA(), ModelB()
        torch.save({"model_state_dict": linear.state_dict()}, self.folder / "linear_model.pth")
        torch.save({"model_state_dict": custom.state_dict()}, self.folder / "custom_model.pth")
        torch.save({"modelA_state_dict": a.state_dict(), "modelB_state_dict": b.state_dict()}, self.folder / "multi_model.pth")
        # The files are not those of the reference data: there is nothing to compare with but Python's outputs.
        (self.folder / "no_data").mkdir()
        (self.folder / "no_data" / "manifest.json").write_text('{"schema": 1, "files": {}, "models": {}}')
        self.cases = (
            ("linear_model.pth", "linear", "model_state_dict", linear, 10),
            ("custom_model.pth", "custom", "model_state_dict", custom, 64),
            ("multi_model.pth", "multi:A", "modelA_state_dict", a, 10),
            ("multi_model.pth", "multi:B", "modelB_state_dict", b, 5),
        )

    def ckpt(self, *arguments):
        """Runs ckpt and returns its exit status, standard output and standard error."""
        done = subprocess.run([CKPT, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def succeeds(self, *arguments):
        code, out, err = self.ckpt(*arguments)
        self.assertEqual((code, err), (0, ""), (arguments, out))
        return out

    def test_every_load_path_gives_pythons_outputs(self):
        for file, model, key, module, width in self.cases:
            inputs = torch.randn(7, width)
            save_file({"0": inputs}, self.folder / "in.safetensors")
            with torch.no_grad():
                expected = module.eval()(inputs)
            for via in PATHS:
                with self.subTest(model=model, via=via):
                    report = json.loads(self.succeeds("load", file, "--model", model, "--key", key, "--via", via, "--json",
                                                      "--data", "no_data", "--input", "in.safetensors",
                                                      "--output", "out.safetensors"))
                    self.assertEqual((report["missing_keys"], report["unexpected_keys"], report["errors"]), ([], [], []))
                    outputs = load_file(self.folder / "out.safetensors")
                    self.assertEqual(list(outputs), ["0"])
                    torch.testing.assert_close(outputs["0"], expected)

    def test_the_files_have_pythons_keys(self):
        for file, _, key, module, _ in self.cases:
            tensors = json.loads(self.succeeds("inspect", file, "--json"))["tensors"]
            found = [tensor["path"][1] for tensor in tensors if tensor["path"][0] == key]
            self.assertEqual(found, list(module.state_dict()), file)

    def test_a_loaded_weight_is_printed(self):
        for file, _, key, module, _ in self.cases:
            out = self.succeeds("inspect", file, "--print", f"{key}.linear.weight")
            self.assertEqual(out[out.index("\ntensor(") + 1:-1], str(module.linear.weight.detach()))

    def test_other_names_are_refused_in_pytorchs_words(self):
        state_dict = MisnamedCustomModel().state_dict()
        torch.save({"model_state_dict": state_dict}, self.folder / "misnamed.pth")
        with self.assertRaises(RuntimeError) as raised:
            CustomModel().load_state_dict(state_dict)
        for via in PATHS:
            code, out, err = self.ckpt("load", "misnamed.pth", "--model", "custom", "--key", "model_state_dict", "--via", via)
            self.assertEqual((code, out), (1, ""))
            self.assertEqual(err.partition("\nhint: ")[0].rstrip("\n"), str(raised.exception).rstrip("\n"), via)


if __name__ == "__main__":
    unittest.main(verbosity=2)
