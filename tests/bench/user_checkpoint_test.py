"""`bench --checkpoint` on files of the user's own."""
import json
import os
import re
from unittest import mock

import torch

import support
from support import Folder, OWN_PATHS, bench


class UserCheckpoints(Folder):
    def test_a_file_of_the_users_own(self):
        file = self.folder / "mine.pth"
        base = torch.arange(12.0).view(3, 4)
        torch.save({"a.weight": base, "a.t": base.t(), "n": torch.tensor(7), "h": torch.ones(5, dtype=torch.bfloat16)}, file)
        rows = self.rows("--checkpoint", str(file))
        for path in OWN_PATHS:
            row = rows[f"load/mine/file/mine.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row["checked"], row["format"]), ("ok", True, "zip"))
        self.assertRegex(rows["load/mine/file/mine.pth/jit_load/cpu/hot"]["reason"], "^may run code that lies in a file: ")
        self.assertNotIn("outputs_checked", rows["load/mine/file/mine.pth/direct/cpu/hot"])
        self.assertRegex(self.out, r"direct/cpu/hot .* tensors\+")
        # The module's a.t is contiguous, the file's is a transposed view.
        self.assertEqual(rows["load/mine/file/mine.pth/direct/cpu/hot"]["fallback"], "copy: 1 strided in the file")

    def test_a_named_model_is_recognised(self):
        file = self.folder / "mine.pth"
        torch.save({"deep": torch.nn.ModuleDict({"linear": torch.nn.Linear(10, 2)}).state_dict()}, file)
        rows = self.rows("--checkpoint", f"{file}::deep")
        self.assertEqual(rows["load/mine/file/mine.pth::deep/direct/cpu/hot"]["model"], "linear")
        self.assertIn("\nload/mine/file/mine.pth::deep (into linear)\n", self.out)

    def test_auto_maps_what_is_large(self):
        file = self.folder / "large.pth"
        torch.save({"w": torch.rand(1 << 20), "n": torch.tensor(7)}, file)
        rows = self.rows("--checkpoint", str(file), "--filter", "/(auto|direct)/")
        row = rows["load/large/file/large.pth/auto/cpu/hot"]
        self.assertEqual((row["bytes_mapped"], row["bytes_copied"]), (4 << 20, 8))
        self.assertRegex(row["choice"], r"\Amaps 1 tensors of 4\.2 MB, 100 % in the page cache: .* for reading; the others keep their memory: 1 whose memory is in use\Z")
        self.assertEqual(row["limit"].split("/")[0], "mmap")
        self.assertNotIn("bytes_mapped", rows["load/large/file/large.pth/direct/cpu/hot"])

    def test_python_says_what_the_file_holds(self):
        file = self.linear_file("mine.pth")
        rows = self.rows("--checkpoint", str(file), "--oracle", "python")
        for path in OWN_PATHS:
            row = rows[f"load/mine/file/mine.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row["checked"], row["oracle"]), ("ok", True, "python"))
        self.assertRegex(self.out, r"direct/cpu/hot .* tensors by python\+")
        # Python that reads other values, and one that cannot read the file.
        python = self.folder / "python"
        python.write_text('#!/bin/sh\nwhile read line; do echo "$ANSWER"; done\n')
        python.chmod(0o755)
        other = {"linear.weight": {"dtype": "float32", "shape": [2, 10], "sha256": "0" * 64},
                 "linear.bias": {"dtype": "float32", "shape": [2], "sha256": "0" * 64}}
        del (lacking := dict(other))["linear.bias"]
        for answer, status, reason in (
                ({"tensors": other}, "error", r"linear\.(weight|bias) differs from what Python reads"),
                ({"tensors": lacking}, "error", r"linear\.weight differs from what Python reads|linear\.bias is not in the file, says Python"),
                ({"error": "UnpicklingError: no"}, "skipped", r"Python: UnpicklingError: no \(--oracle python reads .*\)")):
            with mock.patch.dict(os.environ, ANSWER=json.dumps(answer)):
                rows = self.rows("--checkpoint", str(file), "--filter", "/direct/", "--oracle", "python", "--python", str(python), status=1)
                row = rows["load/mine/file/mine.pth/direct/cpu/hot"]
                self.assertEqual(row["status"], status)
                self.assertRegex(row["reason"], rf"\A({reason})\Z")
        self.assertEqual(bench("--oracle", "python")[0], 2)

    def test_a_whole_module(self):
        file = self.folder / "whole.pth"
        torch.save(torch.nn.Sequential(torch.nn.Linear(3, 4)), file)
        rows = self.rows("--checkpoint", str(file), "--opaque")
        for path in OWN_PATHS:
            row = rows[f"load/whole/file/whole.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row["checked"], row["bytes"]), ("ok", True, 64))

    def test_another_dtype_is_held_against_a_cast(self):
        rows = self.rows("--checkpoint", str(self.linear_file("half.pth", torch.float16)))
        for path in OWN_PATHS:
            row = rows[f"load/half/file/half.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row.get("checked"), row["model"]), ("ok", True, "linear"), row)

    def test_two_files_of_one_name(self):
        good, bad = self.linear_file("a/mine.pth"), self.folder / "b" / "mine.pth"
        bad.parent.mkdir()
        bad.write_text("hello")
        rows = self.rows("--checkpoint", str(good), "--checkpoint", str(bad), status=1)
        self.assertEqual(rows[f"load/mine/file/{good}/direct/cpu/hot"]["status"], "ok")
        self.assertEqual(rows[f"load/mine/file/{bad}/direct/cpu/hot"]["status"], "error")
        self.assertIn(str(bad), rows[f"load/mine/file/{bad}/direct/cpu/hot"]["reason"])
        self.assertRegex(self.err, r"\Abench: " + re.escape(str(bad)) + r": .*\n\Z")

    def test_a_filter_chooses_among_the_users_cases_alone(self):
        for text in ("direct", "/direct/", "^load/mine/file/mine.pth/direct/cpu/hot$"):
            rows = self.rows("--checkpoint", str(self.linear_file("mine.pth")), "--filter", text)
            self.assertEqual([name for name, row in rows.items() if row["case"] != "limit"], ["load/mine/file/mine.pth/direct/cpu/hot"])


if __name__ == "__main__":
    support.main()
