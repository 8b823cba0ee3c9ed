"""scripts/regress: every word by made workers, whose times are known, and the real thing by bench and bench-worse."""
import contextlib
import io
import json
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
BIN = Path(os.environ.get("LOADPATH_BIN", ROOT / "build/bin"))
DATA = os.environ.get("LOADPATH_REFERENCE", str(ROOT / "build/reference"))
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from loadpath.regress import command, controller, sampling  # noqa: E402
from loadpath.verdict.judge import Verdict, compare  # noqa: E402


class Call(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def call(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main(list(arguments), ROOT)
        return status, out.getvalue(), err.getvalue()


class Made(Call):
    def program(self, name, cases, **facts):
        (self.folder / f"{name}.json").write_text(json.dumps({"cases": cases, "facts": facts}))
        path = self.folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{HERE / "fake_worker.py"}" "{self.folder / name}.json" "$@"\n')
        path.chmod(0o755)
        return str(path)

    def compare(self, base, head, *more):
        """Returns (exit status, {case: verdict}, the whole report) of two sets of cases."""
        report = self.folder / "report.json"
        sides = [self.program("base", base, libtorch="1.0", commit="a" * 40), self.program("head", head, libtorch="2.0", commit="a" * 40)]
        status, out, err = self.call("--base", sides[0], "--head", sides[1], "--seed", "5", "--json", str(report), *more)
        self.assertEqual(err, "")
        whole = json.loads(report.read_text())
        return status, {verdict["case"]: verdict for verdict in whole["verdicts"]}, {**whole, "text": out}

    def word(self, base, head, *more):
        status, verdicts, _ = self.compare({"a": base}, {"a": head}, *more)
        return status, verdicts["a"]["word"], verdicts["a"]

    def test_slower_is_a_regression_and_is_confirmed(self):
        status, word, verdict = self.word({"us": 5000}, {"us": 6000})
        self.assertEqual((status, word), (1, "REGRESSION"))
        self.assertRegex(verdict["sentences"][0], r"\A\+\d\d\.\d % \(.*\) slower: \d\.\d\d ms → \d\.\d\d ms, in the phase load \(\+\d+ us\)\Z|\A\+\d\d\.\d % .*\+\d\.\d\d ms\)\Z")
        self.assertRegex(verdict["reason"], r"\Ameasured again in \d+ pairs: \+\d\d\.\d % slower")
        self.assertRegex(verdict["repeat"], r"\Ascripts/regress --base \S+/base --head \S+/head --filter '\^a\$' --seed 5\Z")

    def test_the_same_is_ok_and_faster_is_improved(self):
        self.assertEqual(self.word({"us": 5000}, {"us": 5000})[:2], (0, "OK"))
        self.assertEqual(self.word({"us": 5000}, {"us": 4000})[:2], (0, "IMPROVED"))

    def test_noise_is_inconclusive_and_never_worse(self):
        status, word, verdict = self.word({"us": 5000, "noise": 0.3}, {"us": 5200, "noise": 0.3}, "--pairs", "10")
        self.assertEqual((status, word), (4, "INCONCLUSIVE"))
        self.assertRegex(verdict["reason"], r"\Abetween .* after 10 pairs: more pairs or a quieter machine would tell\Z")

    def test_an_exact_cost(self):
        status, word, verdict = self.word({"us": 50, "costs": {"bytes": 8, "bytes_read": 20}}, {"us": 50, "costs": {"bytes": 8, "bytes_read": 40}})
        self.assertEqual((status, word, verdict["exact"]), (1, "REGRESSION", True))
        self.assertEqual(verdict["sentences"][0], "bytes_read 20 → 40: the file is read twice")

    def test_wrong_missing_new_and_skipped(self):
        status, verdicts, whole = self.compare(
            {"right": {"us": 50}, "gone": {"us": 50}, "skipped": {"us": 50}, "both": {"status": "skipped", "reason": "no GPU"}, "wrong": {"us": 50}, "before": {"status": "error", "reason": "bad"}},
            {"right": {"us": 50}, "new": {"us": 50}, "skipped": {"status": "skipped", "reason": "no file"}, "both": {"status": "skipped", "reason": "no GPU"}, "wrong": {"status": "error", "reason": "a differs\nmore"}, "before": {"us": 50}},
        )
        self.assertEqual(status, 3)
        told = {case: (verdict["word"], verdict["fails"], verdict["reason"]) for case, verdict in verdicts.items()}
        self.assertEqual(
            told,
            {
                "right": ("OK", False, ""),
                "gone": ("MISSING", True, "head has no such case any more"),
                "new": ("NEW", False, "base has no such case"),
                "skipped": ("SKIPPED", True, "newly skipped: no file"),
                "both": ("SKIPPED", False, "no GPU"),
                "wrong": ("WRONG", True, "head is wrong: a differs more"),
                "before": ("SKIPPED", False, "base is wrong already: bad"),
            },
        )
        self.assertEqual(whole["differences"], ["libtorch: 1.0 → 2.0"])

    def test_missing_alone_fails(self):
        self.assertEqual(self.compare({"a": {"us": 50}, "b": {"us": 50}}, {"a": {"us": 50}})[0], 1)
        self.assertEqual(self.compare({"a": {"us": 50}}, {"a": {"us": 50}, "b": {"us": 50}})[0], 0)

    def test_nothing_in_common_cannot_be_compared(self):
        self.assertEqual(self.compare({"a": {"status": "skipped", "reason": "x"}}, {"a": {"status": "skipped", "reason": "x"}})[0], 5)

    def test_a_head_that_dies_or_talks_nonsense_is_wrong(self):
        for does, reason in (
            ("die", "head: its process was ended by SIGKILL without an answer"),
            ("garbage", "head: its process answered 'garbage', which is not its language"),
        ):
            status, word, verdict = self.word({"us": 50}, {"us": 50, "does": does})
            self.assertEqual((status, word, verdict["reason"]), (3, "WRONG", reason))

    def test_a_sample_that_is_none_is_told(self):
        for sample, reason in (
            ({"wall_ns": 0}, "wall_ns 0: not a number from 1 on"),
            ({"wall_ns": float("nan")}, "wall_ns nan: not a number from 1 on"),
            ({"wall_ns": "5"}, "wall_ns 5: not a number from 1 on"),
            ({"minor_faults": -1}, "minor_faults -1: not a number from 0 on"),
            ({"costs": {"bytes": "8"}}, "costs {'bytes': '8'}: not an object of numbers"),
            ({"phases_ns": [1]}, "phases_ns [1]: not an object of numbers"),
        ):
            status, word, verdict = self.word({"us": 50}, {"us": 50, "sample": sample})
            self.assertEqual((status, word), (3, "WRONG"))
            self.assertEqual(verdict["reason"], f"head: its process answered what is not its language: {reason}")

    def test_a_head_that_hangs_is_ended(self):
        with mock.patch.object(sampling, "SAMPLE_SECONDS", 1), mock.patch.object(sampling.take, "__defaults__", (1, None)):
            status, word, verdict = self.word({"us": 50}, {"us": 50, "does": "hang"})
        self.assertEqual((status, word, verdict["reason"]), (3, "WRONG", "head: its process gave no answer in 1 s"))

    def test_one_program_cannot_be_worse_than_itself(self):
        program = self.program("base", {"a": {"us": 50}})
        status, out, _ = self.call("--base", program, "--head", program, "--seed", "1")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"base and head are the same program: what differs is noise; the median pair ratios lie within \d\.\d % of 1\n")

    def test_a_time_limit_leaves_what_is_not_known(self):
        status, word, verdict = self.word({"us": 50}, {"us": 50}, "--time-limit", "1ms")
        self.assertEqual((status, word), (4, "INCONCLUSIVE"))
        self.assertRegex(verdict["reason"], r"\Athe time was over (before it was measured|after \d of the 5 pairs that are needed)\Z")

    def test_reports(self):
        cases = {f"load/{name}": {"us": 5000} for name in "abc"}
        markdown, junit = self.folder / "r.md", self.folder / "r.xml"
        status, _, whole = self.compare(cases, {**cases, "load/b": {"us": 9000}}, "--markdown", str(markdown), "--junit", str(junit))
        self.assertEqual(status, 1)
        self.assertIn("### loadpath regress: 1 REGRESSION, 2 OK\n", markdown.read_text())
        self.assertEqual(ElementTree.parse(junit).getroot().get("failures"), "1")
        self.assertLess(whole["text"].index("load/b"), whole["text"].index("load/a"))
        self.assertEqual(max(map(len, whole["text"].split("repeat:")[0].splitlines()[3:])) <= 100, True)
        pairs = whole["pairs"]["load/b"]
        self.assertEqual((len(pairs), sorted(pairs[0])), (whole["verdicts"][0]["pairs"], ["base", "head"]))

    def test_order_is_random_and_the_seeds(self):
        def orders(seed, **more):
            taken = []
            with mock.patch.object(sampling, "take", lambda program, *_, **__: taken.append(program) or sampling.Process(5e6)):
                pairs = sampling.Pairs("a", {"base": "base", "head": "head"}, seed, **more)
                for _ in range(20):
                    pairs.one_more()
            return taken[::2]

        self.assertEqual(orders(1), orders(1))
        self.assertNotEqual(orders(1), orders(2))
        self.assertEqual(set(orders(1)), {"base", "head"})
        self.assertEqual(set(orders(1, fixed_order=True)), {"base"})

    def run_made(self, head_ns, **plan):
        """Returns the Verdict of a case whose base takes 5 ms and whose n-th process of head takes head_ns(n)."""
        count = {"base": 0, "head": 0}

        def take(side, *_, **__):
            count[side] += 1
            noise = 1 + 1e-4 * (count[side] % 3)
            return sampling.Process((5e6 if side == "base" else head_ns(count["head"])) * noise)

        with mock.patch.object(sampling, "take", take):
            return controller.run(["a"], {"base": "base", "head": "head"}, controller.Plan(1, **plan)).verdicts[0]

    def test_what_does_not_come_again_is_no_regression(self):
        verdict = self.run_made(lambda count: 6e6 if count <= 5 else 5e6)
        self.assertEqual((verdict.word, verdict.pairs), ("INCONCLUSIVE", 5))
        self.assertRegex(verdict.reason, r"\Ait was worse, and not so when it was measured again: [+-]0\.\d %")
        self.assertEqual(self.run_made(lambda count: 6e6).word, "REGRESSION")
        self.assertEqual(self.run_made(lambda count: 6e6 if count <= 5 else 5e6, confirm=False).word, "REGRESSION")

    def test_a_case_limit_ends_a_case_that_is_not_known(self):
        clock = iter(range(10**6))
        verdict = self.run_made(lambda count: 5.2e6 if count % 2 else 4.6e6, case_seconds=3, clock=lambda: next(clock))
        self.assertLess(verdict.pairs, 10)

    def test_what_one_program_shows_is_taken_back(self):
        worse = [Verdict("a", "REGRESSION", metrics=[compare("time", "ns", [1e6] * 5, [2e6] * 5, 1)]), Verdict("b", "REGRESSION", exact=True)]
        self.assertIn("lie within 100.0 % of 1", command.same_program(worse)[0])
        self.assertEqual([verdict.word for verdict in worse], ["INCONCLUSIVE", "REGRESSION"])

    def test_bad_use_is_one_line(self):
        program = self.program("base", {"a": {"us": 50}})
        text = self.folder / "text"
        text.write_text("x")
        for arguments, line in (
            ([], "which --base? a revision, a build folder, a bench or torch==VERSION (scripts/regress --help)"),
            (["--bsae", "x"], "unknown flag: --bsae; did you mean --base? (scripts/regress --help lists the flags)"),
            (["x"], "unexpected argument: 'x' (--base x compares with it)"),
            (["--base", "no-such-revision"], "no-such-revision: neither a revision of this repository nor a program, a build folder or torch==VERSION"),
            (["--base", str(self.folder)], f"{self.folder}: a folder without bin/bench; is it a build folder? (ninja -C {self.folder} bench)"),
            (["--base", str(text)], f"{text}: not a program; name a bench, a suite of your own, a build folder or a revision"),
            (["--base", "torch==2"], "torch==2: not a version of LibTorch; torch==2.11.0 is one"),
            (["--base-torch", "new"], "--base-torch new: not a version of LibTorch; 2.11.0 is one"),
            (["--base", program, "--head", program, "--filter", "("], "--filter (: not a regular expression: missing ), unterminated subpattern at position 0"),
            (["--base", program, "--pairs", "3"], "--pairs 3: not a whole number from 5 on"),
            (["--base", program, "--cache", "tepid"], "--cache tepid: not known; use hot, cold or all"),
            (["--bisect", "a"], "--bisect a: two revisions are needed, as GOOD..BAD"),
            (["--base", "/bin/true"], "/bin/true: does not speak the worker's language: its process ended with exit status 0 without an answer (docs/worker.md; a bench, or a suite of your own by loadpath_add_suite)"),
        ):
            self.assertEqual(self.call(*arguments), (2, "", f"regress: {line}\n"))

    def test_help_names_every_flag(self):
        status, out, _ = self.call("--help")
        self.assertEqual(status, 0)
        for flag in command.VALUES:
            self.assertRegex(out, rf"(?m)^  .*{flag} ")


class Real(Call):
    """bench beside bench-worse, whose environment only the latter heeds."""

    def compare(self, worse, *arguments):
        with mock.patch.dict(os.environ, LOADPATH_WORSE=worse):
            return self.call("--base", str(BIN / "bench"), "--head", str(BIN / "bench-worse"), "--data", DATA, "--seed", "3", *arguments)

    def test_an_extra_read_and_a_lost_mapping(self):
        for worse, path, sentence in (
            ("read", "direct", r"bytes_read [\d,]+ → [\d,]+: the file is read twice"),
            ("unmap", "mmap", r"bytes_mapped 1,948,432 → 0: nothing is mapped any more"),
            ("clone", "mmap", r"bytes_allocated 0 → 1,948,432: every tensor takes memory once more"),
        ):
            status, out, err = self.compare(worse, "--filter", f"^load/crepe:tiny/zip/bare/{path}/")
            self.assertEqual((status, err), (1, ""))
            self.assertRegex(out, rf"(?m)^    {sentence}$")

    def test_a_changed_byte(self):
        status, out, err = self.compare("flip", "--filter", "^load/linear/zip/bare/direct/")
        self.assertEqual((status, err), (3, ""))
        self.assertIn('  WRONG\n    head is wrong: "linear.weight" does not have the reference\'s bits (1 of 2 tensors are wrong)\n', out)

    def test_held_memory(self):
        status, out, err = self.compare("memory:64", "--filter", "^load/crepe:tiny/zip/bare/direct/")
        self.assertEqual((status, err), (1, ""))
        self.assertRegex(out, r"(?m)^    [\d.]+ times \(.*\) more peak memory: ")

    def test_what_is_not_made_worse_has_the_same_costs_and_answers(self):
        status, out, err = self.compare("", "--filter", "^(load|startup|forward)/linear/(zip/bare/direct|cpu/batch:1/module$)", "--pairs", "5")
        self.assertIn(status, (0, 4), out + err)
        for case in ("load/linear/zip/bare/direct/cpu/hot", "startup/linear/zip/bare/direct/cpu/hot", "forward/linear/cpu/batch:1/module"):
            self.assertEqual(len(re.findall(rf"(?m)^{case}\n  (OK|INCONCLUSIVE|IMPROVED) ", out)), 1, out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
