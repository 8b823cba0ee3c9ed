"""The judgement of a case: statistics held against scipy and exact values, error rates on made series, and every text."""
import json
import math
import os
import random
import sys
import unittest
from pathlib import Path
from xml.etree import ElementTree

import numpy
from scipy import stats

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "scripts"))

from loadpath.verdict import costs, report, statistics, tell, words  # noqa: E402
from loadpath.verdict.judge import LOOKS, Process, Verdict, compare, judge  # noqa: E402


def series(source, count, noise, effect=1.0, base=1e7):
    """Returns pairs of Processes whose times have log-normal noise, head's times `effect`."""
    def process(factor):
        return Process(wall_ns=base * factor * math.exp(source.gauss(0, noise)), costs={"bytes": 8, "bytes_read": 16})

    return [(process(1.0), process(effect)) for _ in range(count)]


class Statistics(unittest.TestCase):
    def test_the_bootstrap_is_scipys(self):
        values = numpy.random.default_rng(3).normal(5, 1, 25)
        ours = statistics.bootstrap(values, 1)
        theirs = stats.bootstrap((values,), numpy.median, method="percentile", n_resamples=2000, rng=2).confidence_interval
        self.assertAlmostEqual(statistics.bound(ours, 0.025), theirs.low, delta=0.15)
        self.assertAlmostEqual(statistics.bound(ours, 0.975), theirs.high, delta=0.15)

    def test_bounds_lie_on_their_sides(self):
        medians = numpy.arange(1000.0)
        self.assertEqual((statistics.bound(medians, 0.01), statistics.bound(medians, 0.99)), (10.0, 989.0))
        self.assertEqual((statistics.bound(medians[:1], 0.01), statistics.bound(medians[:1], 0.99)), (0.0, 0.0))

    def test_five_pairs_that_are_all_worse_have_a_p_of_one_in_32(self):
        self.assertEqual(statistics.signed_rank_p([1.0, 2.0, 3.0, 4.0, 5.0]), 1 / 32)
        self.assertEqual(statistics.signed_rank_p([0.0, 0.0]), 1.0)

    def test_discoveries_are_those_of_scipy(self):
        source = random.Random(4)
        for _ in range(50):
            p_values = [source.random() ** 3 for _ in range(source.randrange(1, 20))]
            wanted = {at for at, p in enumerate(stats.false_discovery_control(p_values)) if p <= 0.05}
            self.assertEqual(statistics.discoveries(p_values), wanted)

    def test_the_floor_is_what_noise_alone_reaches(self):
        source = numpy.random.default_rng(5)
        logs = source.normal(0, 0.05, 20)
        reached = numpy.quantile(numpy.abs(numpy.median(source.normal(0, 0.05, (4000, 20)), axis=1)), 0.99)
        self.assertAlmostEqual(statistics.noise_floor(logs, 1), reached, delta=0.4 * reached)
        self.assertEqual(statistics.noise_floor([0.1] * 5, 1), 0.0)


class Judgement(unittest.TestCase):
    def rate(self, effect, pairs, noise=0.02, runs=150):
        """Returns the parts of runs that were called worse and fine, judged at each look."""
        source, found = random.Random(f"{effect}/{pairs}"), []
        for number in range(runs):
            every = series(source, pairs, noise, effect)
            word = None
            for look in (look for look in LOOKS if look <= pairs):
                verdict = judge("case", every[:look], number)
                word = verdict.word
                if word == words.REGRESSION and verdict.metric("time").p > 0.05:
                    word = None
                if word:
                    break
            found.append(word)
        return found.count(words.REGRESSION) / runs, found.count(words.OK) / runs

    def test_noise_alone_is_no_regression(self):
        worse, fine = self.rate(1.0, 20)
        self.assertLessEqual(worse, 0.01)
        self.assertGreaterEqual(fine, 0.9)

    def test_ten_per_cent_are_found_in_ten_pairs_and_five_in_forty(self):
        self.assertGreaterEqual(self.rate(1.10, 10)[0], 0.95)
        self.assertGreaterEqual(self.rate(1.05, 40)[0], 0.90)

    def test_ten_per_cent_less_is_an_improvement(self):
        verdict = judge("case", series(random.Random(1), 20, 0.02, 0.9), 1)
        self.assertEqual(verdict.word, words.IMPROVED)

    def test_an_exact_cost_is_found_at_once(self):
        base = Process(5e6, costs={"bytes": 497759232, "bytes_copied": 497759232})
        head = Process(5e6, costs={"bytes": 497759232, "bytes_copied": 995518464})
        verdict = judge("case", [(base, head)], 1)
        self.assertEqual((verdict.word, verdict.exact), (words.REGRESSION, True))
        self.assertEqual(verdict.sentences, ["bytes_copied 497,759,232 → 995,518,464: every tensor is copied twice"])

    def test_a_cheaper_load_is_an_improvement_and_no_regression(self):
        pairs = [(Process(5e6, costs={"bytes": 8, "allocations": 9}), Process(5e6, costs={"bytes": 8, "allocations": 8}))] * 5
        verdict = judge("case", pairs, 1)
        self.assertEqual((verdict.word, verdict.sentences), (words.IMPROVED, ["allocations 9 → 8"]))

    def test_costs_that_vary_are_not_judged(self):
        base = Process(5e6, costs={"bytes": 8, "read_calls": 3}, varying=("read_calls",))
        head = Process(5e6, costs={"bytes": 8, "read_calls": 4}, varying=("read_calls",))
        verdict = judge("case", [(base, head)] * 5, 1)
        self.assertEqual(verdict.word, words.OK)
        self.assertEqual(verdict.sentences, ["not judged, for it differs from load to load: read_calls"])

    def test_a_cost_that_varies_in_head_alone_is_worse_by_its_largest(self):
        base = Process(5e6, costs={"bytes": 8, "read_calls": 3})
        head = Process(5e6, costs={"bytes": 8, "read_calls": 3}, varying=("read_calls",), most={"read_calls": 6})
        verdict = judge("case", [(base, head)] * 5, 1)
        self.assertEqual((verdict.word, verdict.sentences), (words.REGRESSION, ["read_calls 3 → up to 6, differing from load to load"]))
        self.assertEqual(judge("case", [(head, base)] * 5, 1).word, words.OK)

    def test_memory_and_faults_have_margins(self):
        def pairs(memory, faults):
            return [(Process(5e6, peak_extra_bytes=1e6, minor_faults=1000), Process(5e6, peak_extra_bytes=memory, minor_faults=faults))] * 5

        self.assertEqual(judge("case", pairs(1e6 + (4 << 20), 1500), 1).word, words.OK)
        self.assertEqual(judge("case", pairs(1e6 + (4 << 20) + 1, 1000), 1).word, words.REGRESSION)
        self.assertEqual(judge("case", pairs(1e6, 1501), 1).word, words.REGRESSION)

    def test_a_difference_that_the_clock_cannot_see_is_none(self):
        self.assertEqual(judge("case", [(Process(2000.0), Process(2900.0))] * 40, 1).word, None)
        self.assertEqual(compare("time", "ns", [2000.0] * 5, [3100.0] * 5, 1).word, words.REGRESSION)

    def test_a_slower_first_load_is_found_though_the_others_are_not(self):
        verdict = judge("case", [(Process(5e6, first_ns=6e6), Process(5e6, first_ns=9e6))] * 5, 1)
        self.assertEqual(verdict.word, words.REGRESSION)
        tell.add_sentences(verdict)
        self.assertEqual(
            verdict.sentences, ["+50.0 % (+50.0 % to +50.0 %) slower on the first load of a process: 6.00 ms → 9.00 ms"]
        )


class Costs(unittest.TestCase):
    def test_each_change_is_told_with_what_it_means(self):
        base = {"bytes": 1000, "bytes_read": 1100, "read_calls": 3, "bytes_mapped": 900, "bytes_copied": 0, "allocations": 2, "bytes_allocated": 50}
        for change, sentence, worse in (
            ({"bytes_read": 2200}, "bytes_read 1,100 → 2,200: the file is read twice", True),
            ({"bytes_read": 3300}, "bytes_read 1,100 → 3,300: the file is read 3 times", True),
            ({"bytes_read": 2050}, "bytes_read 1,100 → 2,050: the tensors are read once more", True),
            ({"read_calls": 2}, "read_calls 3 → 2", False),
            ({"bytes_mapped": 800}, "bytes_mapped 900 → 800: less is mapped", True),
            ({"bytes_mapped": None}, "bytes_mapped 900 → 0: nothing is mapped any more", True),
            ({"bytes_copied": 1000}, "bytes_copied 0 → 1,000: every tensor is copied once more", True),
            ({"bytes_allocated": 1050}, "bytes_allocated 50 → 1,050: every tensor takes memory once more", True),
            ({"bytes": 992}, "bytes 1,000 → 992: another amount is loaded", True),
        ):
            head = {name: value for name, value in {**base, **change}.items() if value is not None}
            self.assertEqual(costs.sentences(base, head), [(sentence, worse)])
        self.assertEqual(
            costs.sentences({**base, "bytes_read": 100}, base)[0][0], "bytes_read 100 → 1,100: the tensors are read, and were not before"
        )
        self.assertEqual(costs.sentences(base, base), [])


class Report(unittest.TestCase):
    def verdicts(self):
        worse = judge("load/a/zip/bare/direct/cpu/hot", [(Process(5e6, phases_ns={"load": 4e6}), Process(6e6, phases_ns={"load": 5e6}))] * 5, 1)
        tell.add_sentences(worse, ("load", 1e6))
        return [
            Verdict("load/c/zip/bare/mmap/cpu/hot", words.SKIPPED, reason="no file"),
            Verdict("load/b/zip/bare/direct/cpu/hot", words.WRONG, reason='head is wrong: "a" differs'),
            worse,
        ]

    about = {"title": "t", "base": "A", "head": "B", "differences": ["libtorch: 1 → 2"], "notes": ["a note"], "command": "scripts/regress --base A"}

    def test_text(self):
        self.assertEqual(
            report.text(self.verdicts(), self.about),
            [
                "base: A",
                "head: B",
                "libtorch: 1 → 2",
                "",
                "  verdict        base     head   change       95 % interval  pairs",
                "load/b/zip/bare/direct/cpu/hot",
                "  WRONG",
                '    head is wrong: "a" differs',
                "load/a/zip/bare/direct/cpu/hot",
                "  REGRESSION  5.00 ms  6.00 ms  +20.0 %  +20.0 % to +20.0 %      5",
                "    +20.0 % (+20.0 % to +20.0 %) slower: 5.00 ms → 6.00 ms, in the phase load (+1.00 ms)",
                "skipped by both: load/c/zip/bare/mmap/cpu/hot: no file",
                "",
                "1 WRONG, 1 REGRESSION, 1 SKIPPED",
                "a note",
            ],
        )

    def test_markdown(self):
        text = report.markdown(self.verdicts(), self.about)
        self.assertIn("### t: 1 WRONG, 1 REGRESSION, 1 SKIPPED\n\n- base: A\n- head: B\n- libtorch: 1 → 2\n\n| verdict | case |", text)
        self.assertIn("| REGRESSION | `load/a/zip/bare/direct/cpu/hot` | 5.00 ms | 6.00 ms | +20.0 % |", text)
        self.assertTrue(text.endswith("a note\n\nRepeat: `scripts/regress --base A`\n"))

    def test_json_has_only_finite_numbers(self):
        verdicts = self.verdicts()
        verdicts[2].metrics[0].low = math.nan
        whole = json.loads(report.as_json(verdicts, self.about, 3), parse_constant=self.fail)
        self.assertEqual((whole["exit_status"], whole["verdicts"][1]["word"]), (3, words.REGRESSION))
        self.assertNotIn("low", whole["verdicts"][1]["metrics"][0])

    def test_junit(self):
        suite = ElementTree.fromstring(report.junit(self.verdicts(), self.about))
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("3", "2", "1"))
        self.assertEqual(suite.find("testcase/failure").get("message"), 'head is wrong: "a" differs')

    def test_exit_statuses(self):
        def status(*found):
            return words.exit_status([Verdict("c", *one) if isinstance(one, tuple) else Verdict("c", one) for one in found])

        self.assertEqual(status(words.OK, words.IMPROVED, words.NEW), 0)
        self.assertEqual(status(words.OK, words.REGRESSION), 1)
        self.assertEqual(status(words.OK, words.MISSING), 1)
        self.assertEqual(status(words.OK, (words.SKIPPED, True)), 1)
        self.assertEqual(status(words.OK, words.SKIPPED), 0)
        self.assertEqual(status(words.REGRESSION, words.WRONG), 3)
        self.assertEqual(status(words.OK, words.INCONCLUSIVE), 4)
        self.assertEqual(status(words.SKIPPED), 5)
        self.assertEqual(status(), 5)

    def test_units(self):
        self.assertEqual([tell.duration(ns) for ns in (3, 1234, 5.31e6, 2e9)], ["3.00 ns", "1.23 us", "5.31 ms", "2.00 s"])
        self.assertEqual([tell.amount(n, "bytes") for n in (512, 88977360)], ["512 B", "89.0 MB"])
        self.assertEqual([tell.percent(r) for r in (1.123, 0.95, 2.5, 1885.5, math.inf)], ["+12.3 %", "-5.0 %", "2.50 times", "1886 times", "from nothing"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
