"""The parts of scripts/peers that need no PyTorch: order, statistics, page cache, child processes, table, command
line."""

import contextlib
import io
import json
import os
import time
import unittest
from unittest import mock

from support import ROOT, Folder

from loadpath.peers import command, context, measure, ours, residency, sampling, statistics, table
from loadpath.common.child import Child, Failed
from loadpath.peers.rows import Row, all_rows, chosen
from loadpath.peers.schedule import rounds

HERE = Row("torch.load", "pth")


def sample(wall_ns, mapped=0):
    return {"wall_ns": wall_ns, "bytes": 1000, "bytes_mapped": mapped, "minor_faults": 3, "major_faults": 0}


def series(name, times, mapped=0, own=False, cache="hot"):
    return table.Series(Row(name, "pth", "direct" if own else "", own), cache, [sample(time, mapped) for time in times])


class ScheduleTest(unittest.TestCase):
    CASES = list("abcdefgh")

    def test_the_same_seed_gives_the_same_order_and_another_another(self):
        first, again, other = (list(rounds(self.CASES, 3, seed)) for seed in (7, 7, 8))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_each_round_has_each_case_once_in_an_order_of_its_own(self):
        order = list(rounds(self.CASES, 3, 7))
        by_round = [[case for number, case in order if number == i] for i in range(3)]
        for one in by_round:
            self.assertEqual(sorted(one), self.CASES)
        self.assertEqual(len({tuple(one) for one in by_round}), 3)

    def test_no_round_begins_after_the_time(self):
        clock = iter(range(100))
        self.assertEqual({number for number, _ in rounds("ab", 10, 1, 3, lambda: next(clock))}, {0, 1, 2})


class StatisticsTest(unittest.TestCase):
    def test_the_interval_holds_the_median_and_repeats(self):
        values = [10, 11, 12, 13, 50]
        low, high = statistics.interval(values, "seed")
        self.assertLessEqual(low, 12)
        self.assertGreaterEqual(high, 12)
        self.assertLess(high - low, 45)
        many = [1.1**power for power in range(60)]
        self.assertEqual(statistics.interval(many, "seed"), statistics.interval(many, "seed"))
        self.assertEqual(statistics.interval([5, 5, 5], "seed"), (5, 5))


class ResidencyTest(Folder):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "file"
        self.file.write_bytes(os.urandom(4 << 20))
        self.files = residency.files_of(self.folder)

    def test_cold_is_proven_and_hot_too(self):
        self.assertEqual(self.files, [str(self.file)])
        self.assertLessEqual(residency.establish(self.files, "cold"), residency.COLD)
        with open(self.file, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            file.read(1 << 20)
        part = residency.resident(self.files)
        self.assertGreater(part, 0.2)
        self.assertLess(part, 0.6)
        self.assertEqual(residency.establish(self.files, "hot"), 1)

    def test_a_file_that_stays_in_memory_is_not_cold(self):
        import mmap

        with open(self.file, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
            sum(mapping[::4096])  # mapped pages are not dropped
            with self.assertRaisesRegex(residency.Unproven, r"^not cold: 100% of its pages stay in the page cache$"):
                residency.establish(self.files, "cold")


class ChildTest(Folder):
    """Workers that are not what they should be, as an interpreter that does something else."""

    def failure(self, script, seconds=20.0):
        worker = self.folder / "python"
        worker.write_text(f"#!/bin/sh\n{script}\n")
        worker.chmod(0o755)
        file = self.folder / "model.pth"
        file.write_bytes(b"x" * 5000)
        checkpoint = sampling.Checkpoint(
            "model.pth", "expected.json", {"tensors": {}, "aliases": {}, "bytes": 1}, {"pth": (str(file), "")}
        )
        with mock.patch.object(sampling, "touch", return_value=None), self.assertRaises(Failed) as failed:
            sampling.take(HERE, "hot", checkpoint, sampling.Tools(str(worker), "ckpt", seconds=seconds))
        return str(failed.exception)

    def test_a_worker_that_hangs(self):
        start = time.monotonic()
        self.assertEqual(self.failure("exec sleep 60", 0.5), "its process gave no answer in 0.5 s")
        self.assertLess(time.monotonic() - start, 10)

    def test_a_worker_that_answers_and_hangs(self):
        line = '{"phases_ns": {}, "wrong": []}'
        self.assertEqual(
            self.failure(f"echo '{{\"at_ns\": 1}}'; echo '{line}'; exec sleep 60", 2.0),
            "its process did not end in 2 s",
        )

    def test_a_worker_that_dies(self):
        self.assertEqual(self.failure("kill -SEGV $$"), "its process was ended by SIGSEGV without an answer")
        self.assertEqual(
            self.failure("echo 'no memory' >&2; exit 3"),
            "its process ended with exit status 3 without an answer: no memory",
        )

    def test_a_worker_that_prints_garbage(self):
        self.assertEqual(self.failure("echo Hello"), "its process answered 'Hello', which is not its language")
        self.assertEqual(self.failure("echo 5"), "its process answered '5', which is not its language")

    def test_a_worker_that_leaves_something_out(self):
        self.assertEqual(
            self.failure("echo '{\"at_ns\": 1}'; echo '{\"phases_ns\": {}}'"),
            "its process left 'cpu_ns' out of its answer",
        )

    def test_the_time_at_which_a_child_opens_a_file_is_noticed(self):
        file = self.folder / "model.pth"
        file.write_bytes(b"x")
        with Child(
            ["/bin/sh", "-c", f"sleep 0.3; cat {file} >/dev/null; sleep 0.3; echo {{}}"], 20, watch=file
        ) as child:
            self.assertEqual(child.answer(), {})
            self.assertEqual(child.end(), 0)
            self.assertGreater(child.opened_ns - child.started_ns, 0.25e9)
            self.assertLess(child.opened_ns - child.started_ns, 0.58e9)

    def test_a_model_that_fits(self):
        tensor = {"dtype": "float32", "shape": [2], "sha256": "1"}
        manifest = {"models": {"a": {"tensors": {"x": tensor}}, "b": {"tensors": {"x": tensor, "y": tensor}}}}
        other = {**tensor, "sha256": "2"}
        self.assertEqual(ours.fitting_model(manifest, {"tensors": {"y": other, "x": other}}), "b")
        self.assertIsNone(ours.fitting_model(manifest, {"tensors": {"x": {**tensor, "dtype": "float16"}}}))


class MeasureTest(unittest.TestCase):
    ROWS = [Row("a", "pth"), Row("b", "pth"), Row("c", "pth")]
    CHECKPOINT = sampling.Checkpoint("a.pth", "", {"tensors": {"w": {}}, "bytes": 1000})

    def measured(self, take, samples=3):
        """Returns {row: (status, reason, rounds)} and whether it was interrupted. take(row, load) may raise."""
        loads = {}

        def one(row, cache, checkpoint, tools):
            loads[row.name] = loads.get(row.name, -1) + 1
            take(row.name, loads[row.name])
            return sample(1e6)

        plan = measure.Plan(("hot",), samples, None, 1, ("/srv/x",), lambda text: None)
        with mock.patch.object(measure, "take", one):
            all_series, interrupted = measure.measure(self.CHECKPOINT, self.ROWS, plan, None)
        rounds = {s.row.name: (s.status, s.reason, [one["round"] for one in s.samples]) for s in all_series}
        return rounds, interrupted

    def test_each_loader_is_tried_and_then_measured(self):
        got = self.measured(lambda name, load: None)
        self.assertEqual(got, ({name: ("ok", "", [0, 1, 2]) for name in "abc"}, False))
        self.assertEqual(self.measured(lambda name, load: None, 1)[0]["a"], ("ok", "", [0]))

    def test_a_failure_in_a_later_round_takes_all_times_away(self):
        def take(name, load):
            if name == "b" and load == 2:
                raise sampling.Wrong("w has other values than the file")
            if name == "c" and load == 3:
                raise Failed("cannot open /srv/x/a.pth")

        rounds, _ = self.measured(take)
        self.assertEqual(rounds["a"], ("ok", "", [0, 1, 2]))
        self.assertEqual(rounds["b"], ("wrong", "w has other values than the file", []))
        self.assertEqual(rounds["c"], ("skipped", "cannot open a.pth", []))

    def test_an_interrupted_run_keeps_what_it_has(self):
        def take(name, load):
            if load == 2:
                raise KeyboardInterrupt

        rounds, interrupted = self.measured(take)
        self.assertTrue(interrupted)
        self.assertEqual(sorted(rounds.values()), [("ok", "", [0])] * 3)


class TableTest(unittest.TestCase):
    maxDiff = None
    CHECKPOINT = sampling.Checkpoint("a.pth", "", {"tensors": {"w": {}}, "bytes": 1000})

    def test_it_is_ranked_and_compared_with_what_works_alike(self):
        all_series = [
            series("slow", [4e6] * 3),
            series("ours", [2e6] * 3, own=True),
            series("our map", [1e5] * 3, 1000, True),
            series("their map", [3e5] * 3, 1000),
        ]
        self.assertEqual([one.row.name for one in table.ranked(all_series)], ["our map", "their map", "ours", "slow"])
        self.assertEqual([table.times_ours(one, all_series) for one in all_series], [2, 1, 1, 3])
        lines = table.markdown(self.CHECKPOINT, all_series, 1)
        self.assertEqual(lines[0], "**a.pth, hot**: 1000 bytes in 1 tensors, 3 samples each")
        self.assertEqual(
            [cell.strip() for cell in lines[-2].split("|")[1:6]], ["slow", "pth", "reads", "4.00 ± 0.00 ms", "2.00"]
        )

    def test_what_fails_has_no_time_and_says_why(self):
        bad, fine = series("bad", [1e6] * 3), series("fine", [2e6] * 3)
        bad.fail("wrong", "w has other values than the file")
        lines = table.markdown(self.CHECKPOINT, [bad, fine], 1)
        self.assertIn("- bad: wrong: w has other values than the file", lines)
        self.assertFalse([line for line in lines if line.startswith("| bad")])
        timed, not_timed = table.json_rows(self.CHECKPOINT, [bad, fine], 1)
        self.assertEqual([row["path"] for row in timed], ["fine"])
        self.assertEqual(
            not_timed,
            [
                {
                    "name": "peers/a.pth/bad/hot",
                    "case": "peers",
                    "file": "a.pth",
                    "path": "bad",
                    "format": "pth",
                    "cache": "hot",
                    "status": "wrong",
                    "reason": "w has other values than the file",
                }
            ],
        )
        json.dumps(timed, allow_nan=False)

    def test_a_reason_that_both_cache_states_share_comes_once(self):
        both = [series("bad", [], cache=cache) for cache in ("hot", "cold")]
        for one in both:
            one.fail("skipped", "not installed")
        self.assertEqual(table.markdown(self.CHECKPOINT, both, 1), ["- bad: skipped: not installed", ""])


class CommandTest(Folder):
    def call(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command.main([*map(str, arguments)], ROOT)
        return code, out.getvalue(), err.getvalue()

    def refused(self, sentence, *arguments):
        self.assertEqual(self.call("--bin", self.folder, *arguments), (2, "", f"peers: {sentence}\n"))

    def setUp(self):
        super().setUp()
        bench = self.folder / "bench"
        bench.write_text("#!/bin/sh\necho 'direct  reads'\necho 'jit_load  reads'\n")
        bench.chmod(0o755)

    def test_help_has_examples(self):
        code, out, err = self.call("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("examples:\n  scripts/peers model.safetensors\n", out)
        for flag in (*command.VALUES, *command.FLAGS):
            self.assertRegex(out, rf"(?m)^  {flag} |\[?{flag} ")

    def test_bad_use_is_one_line(self):
        self.refused(
            "unknown flag: --sampels; did you mean --samples? (scripts/peers --help lists the flags)", "--sampels=3"
        )
        self.refused("--seed needs a value (scripts/peers --help)", "--seed")
        self.refused("which FILE? (scripts/peers --help)")
        self.refused("--cache warm: not known; use hot, cold or all", "a.pth", "--cache", "warm")
        self.refused("--samples 0: not a whole number from 1 on", "a.pth", "--samples", "0")
        self.refused("--time soon: not a length of time; use 60s or 5m", "a.pth", "--time", "soon")
        self.refused(
            "--peers safetensrs: no loader has this in its name; did you mean safetensors? (scripts/peers --list)",
            "--peers",
            "safetensrs",
        )
        self.refused(
            "--peers (: not a regular expression: missing ), unterminated subpattern at position 0", "--peers", "("
        )
        self.refused("a.pth::x: has a key, and --key has another; give one", "a.pth::x", "--key", "y")
        self.refused("--json nowhere/x.json: cannot be written", "a.pth", "--json", "nowhere/x.json")

    def test_bad_input_is_one_line(self):
        self.refused("nowhere.pth: No such file or directory", "nowhere.pth")
        text = self.folder / "text.pth"
        text.write_text("version https://git-lfs.github.com/spec/v1\n")
        self.refused(
            f"{text}: neither a .pth nor a .safetensors file; ckpt convert makes one of what loadpath reads", text
        )

    def test_rows_are_the_loaders_and_the_paths_of_bench(self):
        code, out, err = self.call("--bin", self.folder, "--list")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            out.splitlines()[-4:],
            ["loadpath direct, pth", "loadpath direct, safetensors", "loadpath direct, dcp", "torch::jit::load"],
        )
        self.assertEqual(
            [row.name for row in chosen(all_rows((), (), ["direct", "mmap"]), "DIRECT, p")], ["loadpath direct, pth"]
        )

    def test_reasons_name_no_place_of_a_machine(self):
        text = "cannot open /srv/data/x/model.pth in /srv/data/y/z.py, 1/2 of a/b"
        self.assertEqual(context.without_paths(text, ["/srv/data/x"]), "cannot open model.pth in …/z.py, 1/2 of a/b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
