"""scripts/generate_checkpoints.py makes the files that are asked for, once, and the manifest describes them."""
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import safetensors.torch
import torch
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(ROOT / "scripts"))
import generate_checkpoints  # noqa: E402
from loadpath.reference import table  # noqa: E402


def run(*arguments, cases=None):
    """Runs the generator and returns its exit status, standard output and standard error."""
    out, err, stdin = io.StringIO(), io.StringIO(), sys.stdin
    try:
        sys.stdin = io.StringIO(cases)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = generate_checkpoints.main([str(argument) for argument in ("--program", BENCH, *arguments)])
    except SystemExit as stop:
        status = stop.code
    finally:
        sys.stdin = stdin
    return status, out.getvalue(), err.getvalue()


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()).hexdigest()


def follow(value, key):
    for part in filter(None, key.split(".")):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


class Generated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.data = Path(cls.folder.name)
        status, _, err = run("--data", cls.data, "--models", "linear,custom,multi:A,multi:B,batchnorm", "--formats", ",".join(table.FORMATS))
        assert status == 0, err
        cls.manifest = json.loads((cls.data / "manifest.json").read_text())

    def load(self, name):
        """Returns what Python's own reader of the format reads."""
        path, file_format = self.data / name, self.manifest["files"].get(name, {"format": "zip"})["format"]
        match file_format:
            case "safetensors":
                return safetensors.torch.load_file(path)
            case "sharded":
                return {key: tensor for shard in path.glob("*.safetensors") for key, tensor in safetensors.torch.load_file(shard).items()}
            case "sharded_bin":
                return {key: tensor for shard in path.glob("*.bin") for key, tensor in torch.load(shard, weights_only=True).items()}
            case "torchscript" | "cpp":
                return torch.jit.load(path).state_dict()
            case "pt2":
                return torch.export.load(path).state_dict
            case "dcp":
                with tempfile.TemporaryDirectory() as folder:
                    dcp_to_torch_save(path, Path(folder) / "whole.pth")
                    return torch.load(Path(folder) / "whole.pth", weights_only=True)
            case "opaque":
                return torch.load(path, weights_only=False).state_dict()
        return torch.load(path, weights_only=True)

    def test_files_are_those_of_the_table(self):
        expected = {file.name for file in table.product(["linear", "custom", "multi:A", "batchnorm"], table.FORMATS, table.LAYOUTS).files}
        self.assertEqual(set(self.manifest["files"]), expected)
        for name, format_and_layout in (("linear_model.pth", ("zip", "nested")), ("custom_model.pth", ("zip", "nested")),
                                        ("multi_model.pth", ("zip", "multi"))):
            file = self.manifest["files"][name]
            self.assertEqual((file["format"], file["layout"]), format_and_layout, name)
        self.assertEqual(list(self.load("custom_model.pth")["model_state_dict"]),
                         ["custom.linear.weight", "custom.linear.bias", "linear.weight", "linear.bias"])
        present = {path.name for path in self.data.iterdir()} - {".lock", "manifest.json"}
        described = expected | {file["plain_dict"] for file in self.manifest["files"].values() if "plain_dict" in file}
        for model in self.manifest["models"].values():
            described |= set(model["goldens"].values())
        self.assertEqual(present, described)

    def test_every_file_has_its_size_and_hash(self):
        for name, file in self.manifest["files"].items():
            path = self.data / name
            self.assertEqual(path.is_dir(), file["format"] in ("sharded", "sharded_bin", "dcp"), name)
            if path.is_dir():
                size = sum(found.stat().st_size for found in path.rglob("*"))
                sums = subprocess.run("find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs sha256sum", shell=True, cwd=path, capture_output=True, check=True)
                content = sums.stdout
            else:
                content = path.read_bytes()
                size = len(content)
            self.assertEqual(size, file["size"], name)
            self.assertEqual(hashlib.sha256(content).hexdigest(), file["sha256"], name)

    def test_every_state_dict_has_the_models_tensors(self):
        for name, file in self.manifest["files"].items():
            for form in filter(None, (name, file.get("plain_dict"))):
                for member in file["models"]:
                    state_dict = follow(self.load(form), member["key"])
                    expected = self.manifest["models"][member["model"]]["tensors"]
                    self.assertEqual(set(state_dict), set(expected), form)
                    if file["format"] in ("zip", "legacy", "opaque"):
                        self.assertEqual(list(state_dict), list(expected), form)
                    for key, tensor in expected.items():
                        self.assertEqual(digest(state_dict[key]), tensor["sha256"], f"{form} {key}")
                        self.assertEqual(list(state_dict[key].shape), tensor["shape"], f"{form} {key}")

    def test_formats_are_what_they_are_called(self):
        for name, file in self.manifest["files"].items():
            if not (self.data / name).is_dir():
                is_zip = (self.data / name).read_bytes()[:4] == b"PK\3\4"
                self.assertEqual(is_zip, file["format"] in ("zip", "torchscript", "cpp", "pt2", "opaque"), name)
        for name in ("custom.sharded.bare/model.safetensors.index.json", "custom.sharded_bin.bare/pytorch_model.bin.index.json"):
            self.assertEqual(len(set(json.loads((self.data / name).read_text())["weight_map"].values())), 2, name)

    def test_plain_dicts_have_no_ordered_dict(self):
        for file in self.manifest["files"].values():
            if "plain_dict" in file:
                for member in file["models"]:
                    self.assertIs(type(follow(self.load(file["plain_dict"]), member["key"])), dict)

    def test_archives_bear_the_files_own_names(self):
        for name, file in self.manifest["files"].items():
            if file["format"] == "zip":
                self.assertTrue(zipfile.ZipFile(self.data / name).namelist()[0].startswith(name.removesuffix(".pth") + "/"))

    def test_full_holds_the_optimizers_state(self):
        full = self.load("batchnorm.zip.full.pth")
        self.assertEqual(set(full["optimizer_state_dict"]["state"][0]), {"step", "exp_avg", "exp_avg_sq"})
        self.assertGreater(full["optimizer_state_dict"]["state"][0]["exp_avg"].abs().max(), 0)
        self.assertEqual(full["rng_state"]["torch"].dtype, torch.uint8)

    def test_running_statistics_are_not_the_first_ones(self):
        state_dict = self.load("batchnorm.zip.bare.pth")
        self.assertGreater(state_dict["bn.running_mean"].abs().min(), 0)
        self.assertGreater((state_dict["bn.running_var"] - 1).abs().min(), 0)
        self.assertEqual(state_dict["bn.num_batches_tracked"], 3)

    def test_what_is_there_is_left_alone(self):
        before = {path: path.stat().st_mtime_ns for path in self.data.iterdir()}
        status, out, _ = run("--data", self.data, "--models", "linear,batchnorm")
        self.assertEqual((status, out), (0, f"reference data: up to date, in {self.data}\n"))
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in self.data.iterdir()})


class Incremental(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name)

    def make(self, *arguments):
        status, out, err = run("--data", self.data, *arguments)
        self.assertEqual(status, 0, err)
        return out.split(" made ")[0] if " made " in out else "nothing"

    def test_only_what_is_missing_is_made_and_the_manifest_grows(self):
        linear = ("--models", "linear", "--formats", "zip", "--layouts", "bare")
        self.assertEqual(self.make(*linear), "reference data: 2 of 2")
        self.assertEqual(self.make("--models", "linear", "--formats", "zip", "--layouts", "bare,nested"), "reference data: 1 of 3")
        self.assertEqual(self.make("--models", "custom", "--formats", "zip", "--layouts", "bare"), "reference data: 2 of 2")
        manifest = json.loads((self.data / "manifest.json").read_text())
        self.assertEqual(set(manifest["files"]), {"linear.zip.bare.pth", "linear_model.pth", "custom.zip.bare.pth"})
        self.assertEqual(self.make(*linear), "nothing")
        for name in ("linear.zip.bare.pth", "linear.zip.bare.dict.pth", "linear.golden.1.safetensors"):
            (self.data / name).unlink()
            self.assertEqual(self.make(*linear), "reference data: 1 of 2", name)
        (self.data / "linear.zip.bare.pth").write_bytes(b"cut off")
        self.assertEqual(self.make(*linear), "reference data: 1 of 2")
        (self.data / "manifest.json").write_text("{")
        self.assertEqual(self.make(*linear), "reference data: 2 of 2")

    def test_the_same_seeds_give_the_same_files(self):
        hashes = []
        for folder in ("a", "b"):
            status, _, err = run("--data", self.data / folder, "--models", "batchnorm", "--formats", "zip,safetensors")
            self.assertEqual(status, 0, err)
            manifest = json.loads((self.data / folder / "manifest.json").read_text())
            hashes.append({name: file["sha256"] for name, file in manifest["files"].items()})
            hashes.append({name: model["tensors"] for name, model in manifest["models"].items()})
        self.assertEqual(hashes[:2], hashes[2:])

    def test_what_cannot_be_made_is_one_line_and_leaves_nothing(self):
        status, out, err = run("--data", self.data, "--models", "linear", "--formats", "cpp", "--program", self.data / "none")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"\A\S+: linear\.cpp\.bare\.pt: \S+/none writes it and is not there: build it first\n\Z")
        done = subprocess.run([sys.executable, "-B", ROOT / "scripts" / "generate_checkpoints.py", "--data", self.data, "--models", "custom", "--formats", "aoti"],
                              env={**os.environ, "CXX": str(self.data / "none")}, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr.splitlines()[-1], r"\A\S+: custom\.aoti\.pt2: AOTInductor, which needs g\+\+, could not compile it: .*/none")
        self.assertEqual([path.name for path in self.data.iterdir() if "golden" not in path.name and path.name not in (".lock", "manifest.json")], [])

    def test_a_model_that_the_build_lacks_is_one_line_that_says_what_to_do(self):
        done = subprocess.run([BENCH, "--save-archive", "nosuch", "none", "none"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "bench: this program has no model nosuch: build it again\n")

    def test_an_unwritable_folder_is_one_line(self):
        (self.data / "file").touch()
        status, _, err = run("--data", self.data / "file", "--models", "linear")
        self.assertEqual(status, 2)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn(str(self.data / "file"), err)


class Choice(unittest.TestCase):
    def needed(self, *cases):
        wanted = table.needed_by(cases)
        return [item.name for item in wanted.files + wanted.programs], wanted.models

    def test_cases_name_what_they_need(self):
        self.assertEqual(
            self.needed("load/gpt2/zip/nested/direct/cpu/hot", "load/gpt2/zip/nested/copy/cpu/hot"),
            (["gpt2.zip.nested.pth"], ["gpt2"]),
        )
        self.assertEqual(self.needed("startup/linear/legacy/bare/copy/cpu/cold"), (["linear.legacy.bare.pth"], ["linear"]))
        for way in ("module", "module/threads:1", "inference_mode", "python/threads:1"):
            self.assertEqual(self.needed(f"forward/resnet50/cpu/batch:1/{way}"), (["resnet50.zip.bare.pth"], ["resnet50"]))
        self.assertEqual(self.needed("forward/resnet50/cpu/batch:1/torchscript"), (["resnet50.torchscript.bare.pt"], ["resnet50"]))
        self.assertEqual(self.needed("forward/resnet50/cpu/batch:1/aoti", "forward/resnet50/cpu/batch:4/aoti"), (["resnet50.aoti.pt2"], ["resnet50"]))
        self.assertEqual(self.needed("forward/multi:B/cpu/batch:1/module"), (["multi_model.pth"], ["multi:B"]))
        self.assertEqual(self.needed("load/gpt2/dcp/bare/mmap/cpu/cold"), (["gpt2.dcp.bare"], ["gpt2"]))
        self.assertEqual(self.needed("load/multi:A+B/zip/multi/copy/cpu/hot"), (["multi_model.pth"], ["multi:A", "multi:B"]))
        self.assertEqual(self.needed("load/multi:A+B/legacy/multi:once/copy/cpu/hot"), (["multi-A+B.legacy.multi.pth"], ["multi:A", "multi:B"]))
        self.assertEqual(self.needed("limit/pread/threads:2", "load/mine/zip/bare/copy/cpu/hot", "nonsense"), ([], []))

    def test_cases_come_on_standard_input(self):
        with tempfile.TemporaryDirectory() as data:
            status, out, _ = run("--data", data, "--cases", "-", cases="limit/memcpy/threads:1\nload/linear/zip/nested/mmap/cpu/hot\n")
            self.assertEqual(status, 0)
            self.assertIn("2 of 2 made", out)
            self.assertTrue((Path(data) / "linear_model.pth").exists())

    def test_bad_use_is_exit_2_and_says_what(self):
        for arguments, text in (
            ((), "nothing is chosen: pass --models, --cases or --all"),
            (("--models", "nosuch"), "--models: there is no 'nosuch', only linear, custom, "),
            (("--models", "linear", "--formats", "tar"), "--formats: there is no 'tar', only zip, legacy, safetensors"),
            (("--cases", "-", "--all"), "--cases chooses the files: drop --all"),
            (("--cases", "/nosuch"), "--cases [Errno 2] No such file or directory: '/nosuch'"),
            (("--nosuch",), "unrecognized arguments: --nosuch"),
        ):
            status, _, err = run(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(text, err)

    def test_help_has_examples(self):
        status, out, _ = run("--help")
        self.assertEqual(status, 0)
        self.assertIn("--models linear,custom", out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
