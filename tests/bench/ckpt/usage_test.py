"""Every flag's refusals and the exit codes of ckpt, line by line."""
import os
import subprocess
import unittest

import torch

import support


class Usage(support.Case):
    def test_subcommands(self):
        self.refuses("ckpt: inspect, load, diff or convert is missing (ckpt --help)")
        self.refuses("ckpt: no subcommand inspct; did you mean inspect? (inspect, load, diff, convert; ckpt --help)", "inspct", "x")
        self.refuses("ckpt: no subcommand \\x1b (inspect, load, diff, convert; ckpt --help)", "\x1b")
        self.refuses("ckpt: no option --jsn (ckpt --help)", "--jsn")

    def test_help(self):
        for arguments, words in (((), ("inspect", "load", "diff", "convert")), (("inspect",), ("--json", "--digest", "--print", "--opaque", "--crc", "$tensor")),
                                 (("load",), ("--model", "--key", "--via", "--device", "--lenient", "--opaque", "--input", "--output", "--json")),
                                 (("diff",), ("--model", "--key", "--opaque", "--json")),
                                 (("convert",), ("OUT", "--key", "--aliases", "--opaque", "--json", "--crc"))):
            for flag in ("--help", "-h"):
                out = self.succeeds(*arguments, flag)
                self.assertIn("Examples:\n  ckpt ", out)
                for word in words:
                    self.assertIn(word, out)
                self.assertEqual([line for line in out.splitlines() if len(line) > 100], [])

    def test_version(self):
        rows = dict(line.split(None, 1) for line in self.succeeds("--version").splitlines()[1:])
        for fact in ("commit", "LibTorch", "compiler", "build"):
            self.assertTrue(any(fact in row for row in rows), (fact, rows))
        self.assertIn("ckpt", self.succeeds("--version").splitlines()[0])

    def test_options(self):
        path = self.save({"a": torch.ones(1)})
        self.refuses("ckpt inspect: no option --jsno; did you mean --json? (ckpt inspect --help)", "inspect", path, "--jsno")
        self.refuses("ckpt inspect: no option --model (ckpt inspect --help)", "inspect", path, "--model", "linear")
        self.refuses("ckpt inspect: unexpected argument more (ckpt inspect --help)", "inspect", path, "more")
        self.refuses("ckpt inspect: what follows -- is a file, not an option: put options before it", "inspect", "--", path, "--json")
        self.refuses("ckpt inspect: FILE is required (ckpt inspect --help)", "inspect")
        self.refuses("ckpt inspect: --crc: maybe not in {auto,on,off} (ckpt inspect --help)", "inspect", path, "--crc", "maybe")
        self.refuses("ckpt inspect: --json excludes --print (ckpt inspect --help)", "inspect", path, "--print", "a", "--json")
        self.refuses("ckpt convert: OUT is required (ckpt convert --help)", "convert", path)
        self.refuses("ckpt convert: --aliases: twice not in {apart,once} (ckpt convert --help)", "convert", path, "out", "--aliases", "twice")
        self.refuses("ckpt load: --model is required (ckpt load --help)", "load", path)
        self.refuses("ckpt load: no option --models; did you mean --model? (ckpt load --help)", "load", path, "--models", "linear")
        self.refuses("ckpt diff: OTHER or --model is missing (ckpt diff --help)", "diff", path)
        self.refuses("ckpt inspect: FILE: is empty (ckpt inspect --help)", "inspect", "")
        self.refuses("ckpt convert: OUT: is empty (ckpt convert --help)", "convert", path, "")
        for flag in ("--input", "--output", "--data", "--prefix"):
            self.refuses(f"ckpt load: {flag}: is empty (ckpt load --help)", "load", path, "--model", "linear", flag, "")
        self.refuses("ckpt diff: OTHER excludes --model (ckpt diff --help)", "diff", path, path, "--model", "linear")

    def test_files(self):
        missing = self.folder / "none.pth"
        for arguments in (("inspect", missing), ("diff", missing, missing), ("load", missing, "--model", "linear"),
                          ("diff", missing, "--model", "linear")):
            code, out, err = self.ckpt(*arguments)
            self.assertEqual((code, out, err.count("\n")), (2, "", 1), arguments)
            self.assertTrue(err.startswith(f"ckpt: {missing}: "), err)
            self.assertIn("No such file or directory", err)
        page = self.folder / "page.pth"
        page.write_text("<!DOCTYPE html><html></html>")
        for path in (page, self.folder, "/dev/null"):
            code, out, err = self.ckpt("inspect", path)
            self.assertEqual((code, out, err.count("\n")), (2, "", 1), path)
            self.assertTrue(err.startswith(f"ckpt: {path}: "), err)

    def test_names(self):
        path = self.save({"a": torch.ones(1)})
        code, out, err = self.ckpt("load", path, "--model", "liner")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Ackpt: no model liner; did you mean linear\? \(.*gpt2.*\)\n\Z")
        code, out, err = self.ckpt("load", path, "--model", "linear", "--via", "dirct")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Ackpt: no load path dirct; did you mean direct\? \(auto, copy, direct, .*\)\n\Z")
        self.refuses("ckpt: device tpu: not known; use cpu, cuda or cuda:N", "load", path, "--model", "linear", "--device", "tpu")
        self.refuses("ckpt: device cuda:x: not known; use cpu, cuda or cuda:N", "load", path, "--model", "linear", "--device", "cuda:x")

    @unittest.skipIf(torch.cuda.is_available(), "there is a GPU")
    def test_no_gpu(self):
        path = self.save({"a": torch.ones(1)})
        for device in ("cuda", "cuda:1"):
            self.refuses(f"ckpt: device {device}: LibTorch finds no CUDA GPU on this machine; use --device cpu",
                         "load", path, "--model", "linear", "--device", device)

    def test_runs_from_any_folder_and_through_a_link(self):
        path = self.save({"a": torch.ones(1)})
        link = self.folder / "link"
        link.symlink_to(support.CKPT)
        for program in (os.path.relpath(support.CKPT, self.folder), str(link)):
            done = subprocess.run([program, "diff", path.name, "--model", "linear"], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (1, ""), program)


if __name__ == "__main__":
    support.main()
