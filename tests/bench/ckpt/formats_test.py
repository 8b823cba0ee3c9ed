"""One model in every format that PyTorch writes: ckpt inspect, load and diff see the same tensors in all of them."""
import torch

import support
from support import LinearModel


class Formats(support.Case):
    def setUp(self):
        super().setUp()
        torch.manual_seed(0)
        self.model, self.example = LinearModel(10, 2).eval(), torch.ones(1, 10)
        self.plain = self.save(self.model.state_dict(), "plain.pth")

    def files(self):
        """(format as inspect names it, file, further arguments)."""
        scripted, traced, exported = (self.folder / n for n in ("scripted.pt", "traced.pt", "model.pt2"))
        torch.jit.script(self.model).save(str(scripted))
        torch.jit.trace(self.model, self.example).save(str(traced))
        torch.export.save(torch.export.export(self.model, (self.example,)), str(exported))
        whole, old = self.save(self.model, "whole.pth"), self.save(self.model, "old.pth", _use_new_zipfile_serialization=False)
        return [("torchscript", scripted, ()), ("torchscript", traced, ()), ("pt2", exported, ()), ("zip", whole, ("--opaque",)), ("legacy", old, ("--opaque",))]

    def test_every_format_gives_the_same(self):
        wanted = [(t["path"], t["dtype"], t["shape"], t["sha256"]) for t in self.json("inspect", self.plain, "--digest")["tensors"]]
        for form, path, flags in self.files():
            with self.subTest(path=path.name):
                shown = self.json("inspect", path, "--digest", *flags)
                self.assertEqual(shown["format"], form)
                self.assertEqual([(t["path"], t["dtype"], t["shape"], t["sha256"]) for t in shown["tensors"]], wanted)
                for via in ("copy", "direct", "assign", "mmap"):
                    loaded = self.json("load", path, "--model", "linear", "--via", via, *flags)
                    self.assertEqual((loaded["missing_keys"], loaded["unexpected_keys"], loaded["errors"]), ([], [], []))
                self.succeeds("diff", path, self.plain, *flags)
                self.succeeds("diff", path, "--model", "linear", *flags)

    def test_attributes_are_told(self):
        path = self.save(self.model, "whole.pth")
        out = self.succeeds("inspect", path, "--opaque")
        self.assertIn("\nvalues    none beside the tensors\n\ntensors\n", out)
        self.assertIn(f"\nattributes\n  class  '{LinearModel.__module__}.LinearModel'\n", out)
        self.assertNotIn("attributes", self.succeeds("inspect", self.plain))

    def test_the_refusal_names_the_class_and_the_flag(self):
        path = self.save(self.model, "whole.pth")
        name = f"{LinearModel.__module__}.LinearModel"
        words = f"names {name}, which is not on PyTorch's weights_only list (Unsupported global), record data.pkl, offset "
        for arguments in (("inspect", path), ("load", path, "--model", "linear"), ("diff", path, self.plain), ("diff", self.plain, path)):
            code, out, err = self.ckpt(*arguments)
            self.assertEqual((code, out, len(err.splitlines())), (2, "", 1))
            self.assertIn(f"{path}: {words}", err)
            self.assertTrue(err.endswith(": the option opaque (--opaque) reads it as an inert object\n"), err)


if __name__ == "__main__":
    support.main()
