"""What bench refuses, and what it lists."""
import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import torch
from safetensors.torch import save_file

import support
from support import DATA, Folder, PATHS, bench


class BadUse(Folder):
    def refused(self, line, *arguments, data=DATA):
        code, out, err = bench(*arguments, data=data)
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Abench: " + line + r"\n\Z")

    def test_a_filter_that_matches_nothing(self):
        self.refused(r"--filter nosuch: matches none of \d+ cases \(bench --list --filter \. lists them\)", "--filter", "nosuch")
        file = str(self.folder / "mine.pth")
        torch.save({"w": torch.ones(3)}, file)
        self.refused(rf"--filter nosuch: matches none of \d+ cases \(bench --list --filter \. --checkpoint {file} lists them\)",
                     "--filter", "nosuch", "--checkpoint", file)
        self.refused("--filter: is empty; bench --help lists the flags", "--filter", "")

    def test_a_flag_without_its_value(self):
        for arguments in (["--filter"], ["--json"], ["--filter", "--json", "x"], ["--quick", "--json", "--filter", "linear"], ["--checkpoint"]):
            flag = next(argument for argument in arguments if argument != "--quick")
            self.refused(re.escape(flag) + r" needs a value \(bench --help lists the flags\)", *arguments)

    def test_a_filter_that_nearly_matches(self):
        self.refused(r"--filter lod/linear: matches none of \d+ cases; did you mean load/linear\? .*", "--filter", "lod/linear")

    def test_a_malformed_filter(self):
        self.refused(r"--filter \(: not a regular expression \(.*\)", "--filter", "(")

    def test_an_unknown_flag(self):
        self.refused(r"no flag --nosuch \(bench --help lists the flags\)", "--nosuch")
        self.refused(r"no flag --fliter; did you mean --filter\? \(bench --help lists the flags\)", "--fliter=x", "--quick")
        self.refused(r"unexpected argument linear \(bench --help lists the flags\)", "linear")
        file = str(self.folder / "mine.pth")
        Path(file).touch()
        self.refused(rf"unexpected argument {file}: --checkpoint {file} loads a file of your own \(bench --help lists the flags\)", file)

    def test_an_unknown_benchmark_flag(self):
        self.refused(r"--benchmark_nosuch=1: not a flag of this Google Benchmark, .*", "--benchmark_nosuch=1",
                     "--filter", "^limit/memcpy/threads:1$", "--quick")

    def test_a_value_that_google_benchmark_does_not_take(self):
        """Google Benchmark itself would print its usage and exit with 0."""
        for flag in ("--benchmark_format=xml", "--benchmark_out_format=xml", "--benchmark_format=", "--benchmark_color="):
            self.refused(re.escape(flag) + ": not a value .*; bench --help lists the flags", flag,
                         "--filter", "^load/linear/zip/nested/direct", "--repetitions", "1000000")  # would take hours

    def test_a_wrong_flag_of_google_benchmark_is_noticed_by_a_list_too(self):
        self.refused("--benchmark_format=xml: not a value .*", "--list", "--benchmark_format=xml")
        self.refused("--benchmark_nosuch=1: not a flag .*", "--list", "--benchmark_nosuch=1")

    def test_an_unknown_device(self):
        self.refused(r"--device: abacus: not known; use cpu, cuda, cuda:N or all; .*", "--device", "abacus")

    @unittest.skipIf(torch.cuda.is_available(), "this machine has a CUDA GPU")
    def test_a_device_that_is_not_there(self):
        self.refused(r"--device cuda: .*; use --device cpu.*", "--device", "cuda")

    def test_an_unknown_cache(self):
        self.refused(r".*lukewarm.*", "--cache", "lukewarm")

    def test_repetitions_of_zero(self):
        self.refused(r"--samples: Value 0 not in range .*", "--repetitions", "0")
        self.refused(r"--samples: Value 0 not in range .*", "--benchmark_repetitions=0")
        self.refused(r"--time: soon: not a length of time; use 30s or 2m; bench --help lists the flags", "--time", "soon")

    def test_results_that_cannot_be_written_are_noticed_before_measuring(self):
        usual = ("--filter", "^load/linear/zip/nested/direct", "--repetitions", "1000000")  # would take hours
        file = self.folder / "no" / "such" / "run.json"
        for place, why in ((str(file), "No such file or directory"), (str(self.folder), "Is a directory"),
                           (f"{self.folder}/", "Is a directory"), ("/dev/full", "No space left on device")):
            for flags in (("--json", place), (f"--benchmark_out={place}",)):
                self.refused(re.escape(place) + ": cannot be written: " + why, *flags, *usual)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can give its rights up")
    def test_results_without_permission_are_noticed_before_measuring(self):
        self.folder.chmod(0o755)
        kept = self.folder / "kept.json"
        kept.write_text("old")
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", support.BENCH, "--data", DATA, "--repetitions", "1000000",
                   "--filter", "^load/linear/zip/nested/direct"]
        if subprocess.run([*command, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("bench lies in a folder that only root can read")
        for file in (kept, self.folder / "new.json"):
            for flags in (["--json", str(file)], [f"--benchmark_out={file}"]):
                done = subprocess.run([*command, *flags], capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"bench: {file}: cannot be written: Permission denied\n"))
        self.assertEqual(kept.read_text(), "old")

    def test_an_argument_that_is_empty(self):
        for flag in ("--json", "--data", "--checkpoint"):
            self.refused(flag + ": is empty; bench --help lists the flags", flag, "")

    def test_results_do_not_replace_the_checkpoint(self):
        folder = self.folder / "sharded"
        folder.mkdir()
        shard, index = folder / "model-00001-of-00001.safetensors", folder / "model.safetensors.index.json"
        save_file({"w": torch.ones(3)}, shard)
        index.write_text(json.dumps({"metadata": {}, "weight_map": {"w": shard.name}}))
        link = self.folder / "link"
        link.hardlink_to(shard)
        before = shard.read_bytes(), index.read_bytes()
        for file in (shard, index, link):
            for flags in (("--json", str(file)), (f"--benchmark_out={file}",)):
                self.refused(re.escape(str(file)) + ": is the checkpoint itself; name another file to write", "--checkpoint", str(folder), *flags)
        broken = self.folder / "broken.pth"
        broken.write_text("hello")
        self.refused(re.escape(str(broken)) + ": is the checkpoint itself; name another file to write", "--checkpoint", str(broken), "--json", str(broken))
        # With a shard that is not there, nobody knows which files there are.
        index.write_text(json.dumps({"metadata": {}, "weight_map": {"w": shard.name, "x": "model-2.safetensors"}}))
        before = shard.read_bytes(), index.read_bytes()
        for checkpoint in (folder, index):
            self.refused(re.escape(str(shard)) + ": is in the folder of a checkpoint that cannot be opened; name another file to write",
                         "--checkpoint", str(checkpoint), "--json", str(shard))
        self.assertEqual(before, (shard.read_bytes(), index.read_bytes()))

    def test_results_do_not_replace_the_reference_data(self):
        data = self.folder / "data"
        data.mkdir()
        (data / "linear.pth").write_text("hello")
        self.refused(re.escape(str(data / "linear.pth")) + ": is one of the reference data; name another file to write",
                     "--filter", "^load/linear/zip/bare/direct", "--json", str(data / "linear.pth"), data=str(data))

    @unittest.skipUnless(os.path.exists("/dev/full"), "this machine has no /dev/full")
    def test_standard_output_that_is_full(self):
        for arguments in (["--list"], ["--help"], ["--version"], ["--list-models"],
                          ["--quick", "--filter", "^limit/memcpy/threads:1$"],
                          ["--quick", "--filter", "^limit/memcpy/threads:1$", "--benchmark_format=json"]):
            with self.subTest(arguments), open("/dev/full", "w") as full:
                done = subprocess.run([support.BENCH, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertRegex(support.without_warnings(done.stderr), r"\Abench: standard output: .*\n\Z")
                self.assertEqual(done.returncode, 2)

    def test_a_checkpoint_that_is_none(self):
        file = self.folder / "notes.txt"
        file.write_text("hello")
        self.refused(re.escape(str(file)) + ": .*", "--checkpoint", str(file))

    def test_a_checkpoint_without_tensors_that_can_be_loaded(self):
        file = self.folder / "mine.pth"
        torch.save({}, file)
        self.refused(re.escape(str(file)) + ": the state dict holds no names: there is nothing to load", "--checkpoint", str(file))
        torch.save({0: {"w": torch.ones(3)}}, file)
        self.refused(re.escape(str(file)) + ": the state dict holds no names: there is nothing to load; name one with --checkpoint: "
                     + re.escape(f"{file}::0"), "--checkpoint", str(file))
        torch.save({"w": torch.ones(3).to_sparse()}, file)
        self.refused(re.escape(str(file)) + r": w is a tensor that no load path takes \(quantised, sparse or without values\); make it a dense "
                     "tensor with values in Python first", "--checkpoint", str(file))
        self.refused('--checkpoint ::w: no file is named before "::"', "--checkpoint", "::w")

    def test_a_checkpoint_whose_state_dict_lies_deeper(self):
        file = self.folder / "nested.pth"
        torch.save({"epoch": 3, "weights": {"w": torch.ones(3)}}, file)
        self.refused(re.escape(str(file)) + r": not a state dict: epoch is <class 'int'>; name one with --checkpoint: " + re.escape(f"{file}::weights"),
                     "--checkpoint", str(file))

    def test_opaque_without_a_checkpoint(self):
        self.refused("--opaque is for the files of --checkpoint: name one", "--opaque")

    def test_a_whole_module_needs_opaque(self):
        file = self.folder / "whole.pth"
        torch.save(torch.nn.ReLU(), file)
        self.refused(re.escape(str(file)) + r": names torch.nn.modules.activation.ReLU, .*: the option opaque \(--opaque\) reads it as an "
                     "inert object", "--checkpoint", str(file))

    def test_a_checkpoint_with_a_key_that_no_parameter_can_have(self):
        file = self.folder / "names.pth"
        for key, shown in ((".weight", ".weight"), ("a..b", "a..b"), ("a.", "a."), ("", ""), ("a\x1b[31m\n..b", "a\\x1b[31m\\n..b")):
            torch.save({key: torch.ones(3)}, file)
            self.refused(re.escape(f'{file}: no module can have a parameter named "{shown}"; ') + ".*", "--checkpoint", str(file))

    def test_keys_are_shown_on_one_line(self):
        file = self.folder / "keys.pth"
        torch.save({"a\x1b\n": 3, "b\n": {"w": torch.ones(3)}}, file)
        self.refused(re.escape(str(file)) + r": not a state dict: a\\x1b\\n is .*; name one with --checkpoint: \$'.*::b\\x0a'", "--checkpoint", str(file))

    def test_a_tensor_that_is_larger_than_its_storage(self):
        """Its strides repeat elements: memory for all of them is more than the file justifies."""
        file = self.folder / "big.pth"
        torch.save({"big": torch.ones(1).expand(2**40)}, file)
        self.refused(re.escape(f"{file}: big has 1099511627776 elements, more than its storage holds; ") + ".*", "--checkpoint", str(file))


    def test_several_files_that_are_no_checkpoints(self):
        files = [self.folder / name for name in ("a.txt", "b.txt")]
        for file in files:
            file.write_text("hello")
        code, out, err = bench("--quick", *(word for file in files for word in ("--checkpoint", str(file))))
        self.assertEqual((code, out), (2, ""))
        self.assertEqual([line.split(": ")[1] for line in err.splitlines()], [str(file) for file in files])


class Listing(Folder):
    def test_needs_no_data_and_obeys_the_filter(self):
        code, out, err = bench("--list", "--filter", "^load/linear/zip/nested/", data="/nonexistent")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.split(), [f"load/linear/zip/nested/{path}/cpu/hot" for path in PATHS])

    def test_all_kinds_of_cases_exist_once(self):
        names = bench("--list", "--filter", ".", "--cache", "all")[1].split()
        self.assertEqual(len(names), len(set(names)))
        for name in ("load/gpt2/safetensors/bare/mmap/cpu/cold", "load/multi:A+B/legacy/multi:once/copy/cpu/hot",
                     "load/crepe:full/zip/full/direct/cpu/hot", "forward/resnet50/cpu/batch:1/module",
                     "forward/resnet50/cpu/batch:4/torchscript", "forward/resnet50/cpu/batch:4/aoti", "load/gpt2/dcp/bare/mmap/cpu/cold",
                     "limit/pread/threads:1",
                     "startup/gpt2/zip/nested/direct/cpu/cold"):
            self.assertIn(name, names)

    def test_new_processes_are_started_only_if_the_filter_says_so(self):
        kinds = {name.split("/")[0] for name in bench("--list", "--filter", "/linear/")[1].split()}
        self.assertEqual(kinds, {"load", "forward"})
        kinds = {name.split("/")[0] for name in bench("--list", "--filter", "startup/linear/")[1].split()}
        self.assertEqual(kinds, {"startup"})

    def test_google_benchmarks_own_flags_do_the_same(self):
        own = bench("--list", "--filter", "^forward/")
        self.assertEqual(bench("--benchmark_list_tests", "--benchmark_filter=^forward/"), own)
        self.assertEqual(bench("--benchmark_list_tests=true", "--benchmark_filter=-^(load|startup|limit)/"), own)

    def test_help_has_examples(self):
        code, out, _ = bench("--help")
        self.assertEqual(code, 0)
        for text in ("examples:", "--checkpoint", "--quick", "exit status: 0", "startup/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE"):
            self.assertIn(text, out)
        self.assertEqual([line for line in out.splitlines() if len(line) > 100], [])

    def test_the_script_knows_every_flag(self):
        """scripts/bench refuses other flags before anything is set up."""
        text = (Path(support.SCHEMA).parents[1] / "scripts" / "bench").read_text()
        known = {name: set(re.search(rf"(?m)^{name}=\((.*?)\)", text, re.DOTALL)[1].split()) for name in ("flags", "value_flags")}
        with_value, without = set(), set()
        for line in re.findall(r"(?m)^  (?:-h,)?(--\S.*)", bench("--help")[1]):
            names = line.split()[0].split(",")
            (with_value if re.match(r"\S+ (REGEX|PATH|DIR|N\b|TIME|FILE|\w+\|)", line) else without).update(names)
        self.assertIn("--filter", with_value)
        self.assertEqual(known, {"flags": without - {"--help"}, "value_flags": with_value})

    def test_models_and_load_paths_are_listed(self):
        code, out, _ = bench("--list-models")
        self.assertEqual(code, 0)
        for model in ("linear", "custom", "multi:A", "gpt2"):
            self.assertRegex(out, f"(?m)^{model} +\\S")
        code, out, _ = bench("--list-paths")
        self.assertEqual(code, 0)
        for path in ("auto", "copy", "direct", "assign", "mmap", "pickle_load", "jit_load"):
            self.assertRegex(out, f"(?m)^{path} +\\S")

    def test_the_version_says_what_it_was_built_from(self):
        code, out, err = bench("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"\Abench \(loadpath\) \d+\.\d+\.\d+\ncommit ([0-9a-f]{40}(-dirty)?|unknown)\nLibTorch \d\S*\n"
                              r"compiler \w+ \d\S*\nbuild type \w+\n\Z")

    def test_a_device_that_is_not_there_does_not_vanish(self):
        names = bench("--list", "--device", "all", "--filter", "^load/linear/zip/nested/direct/")[1].split()
        self.assertEqual([name.split("/")[-2] for name in names], ["cpu", "cuda"])


if __name__ == "__main__":
    support.main()
