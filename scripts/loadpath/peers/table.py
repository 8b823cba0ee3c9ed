"""The results: as Markdown, and as Google Benchmark's JSON with fields of ours."""

from dataclasses import dataclass, field

from loadpath.loaders.markdown import table as markdown_table
from loadpath.peers import statistics
from loadpath.peers.rows import Row

LEGEND = """\
**load**: from the file's name to all bytes in memory, median ± half of its 95 % bootstrap interval. **times ours**: its
median divided by that of our fastest path that works alike, mapping the file or reading it into memory of its own.
**from start**: the same from the start of the process, imports included. **processor**: seconds of all threads during
the load. **peak**: resident memory beyond what was there before, mapped pages included. **faults**: page faults; behind
a +, those that waited for the disk."""


@dataclass
class Series:
    """The samples of a row in one state of the page cache. status: ok, skipped or wrong, then with a reason."""

    row: Row
    cache: str
    samples: list = field(default_factory=list)
    status: str = "ok"
    reason: str = ""

    def fail(self, status, reason):
        """Takes all times away: one failure spoils a series."""
        self.status, self.reason, self.samples = status, reason, []

    @property
    def maps(self):
        """True if most of the loaded bytes lie in a mapping of the file."""
        return bool(self.samples) and self.samples[0]["bytes_mapped"] > self.samples[0].get("bytes", 0) / 2

    def median(self, name="wall_ns"):
        return statistics.of(self.samples, name)

    def interval(self, seed):
        return statistics.interval(
            [sample["wall_ns"] for sample in self.samples], f"{seed}/{self.row.name}/{self.cache}"
        )


def ranked(series):
    """Returns the series that have times, fastest first."""
    return sorted((one for one in series if one.samples), key=Series.median)


def times_ours(one, series):
    """Returns the series' median divided by our fastest path's that works alike in the same cache state, or None."""
    ours = [
        other.median()
        for other in series
        if other.samples and other.row.loadpath and other.cache == one.cache and other.maps == one.maps
    ]
    return one.median() / min(ours) if ours else None


def markdown(checkpoint, series, seed):
    """Returns the lines of a table for each cache state, and why rows have no time."""
    lines = []
    for cache in dict.fromkeys(one.cache for one in series):
        here = ranked(one for one in series if one.cache == cache)
        if here:
            rows = [_cells(one, series, seed) for one in here]
            lines += [
                f"**{checkpoint.name}, {cache}**: {_size(checkpoint.expected['bytes'])} in "
                f"{len(checkpoint.expected['tensors'])} tensors, {len(here[0].samples)} samples each",
                "",
            ]
            lines += markdown_table(
                ["loader", "file", "how", "load", "times ours", "from start", "processor", "peak", "faults"], rows
            ) + [""]
    lines += [
        f"- {name}{f' ({cache})' if cache else ''}: {status}: {reason}"
        for name, cache, status, reason in _not_timed(series)
    ]
    return lines + [""] * (lines[-1:] != [""])


def _not_timed(series):
    """Yields (name, cache or "", status, reason) of what has no time; a reason that all cache states share comes
    once."""
    states = len({one.cache for one in series})
    without = [one for one in series if not one.samples]
    for one in without:
        same = [
            other for other in without if (other.row, other.status, other.reason) == (one.row, one.status, one.reason)
        ]
        if len(same) < states or states == 1:
            yield one.row.name, one.cache if states > 1 else "", one.status, one.reason
        elif same[0] is one:
            yield one.row.name, "", one.status, one.reason


def _cells(one, series, seed):
    low, high = one.interval(seed)
    ratio, from_start, cpu, peak = (
        times_ours(one, series),
        one.median("from_start_ns"),
        one.median("cpu_ns"),
        one.median("peak_extra_bytes"),
    )
    faults = f"{one.median('minor_faults'):.0f}" + (
        f" + {one.median('major_faults'):g}" if one.median("major_faults") else ""
    )
    return [
        one.row.name,
        one.row.format,
        "maps" if one.maps else "reads",
        _ms(one.median()) + (f" ± {_ms((high - low) / 2)}" if len(one.samples) > 1 else "") + " ms",
        f"{ratio:.2f}" if ratio is not None else "–",
        f"{from_start / 1e9:.2f} s" if from_start else "–",
        f"{cpu / 1e9:.2f} s" if cpu is not None else "–",
        f"{peak / 1e6:.0f} MB" if peak is not None else "–",
        faults,
    ]


def _size(nbytes):
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 100_000 else f"{nbytes} bytes"


def _ms(nanoseconds):
    value = nanoseconds / 1e6
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def json_rows(checkpoint, series, seed):
    """Returns (timed, not timed): rows as Google Benchmark has them."""
    timed, not_timed = [], []
    for one in series:
        row = {
            "name": f"peers/{checkpoint.name}/{one.row.name}/{one.cache}",
            "case": "peers",
            "file": checkpoint.name,
            "path": one.row.name,
            "format": one.row.format,
            "cache": one.cache,
            "status": one.status,
        }
        if not one.samples:
            not_timed.append({**row, "reason": one.reason})
            continue
        low, high = one.interval(seed)
        values = {
            name: one.median(name)
            for name in (
                "cpu_ns",
                "from_start_ns",
                "import_ns",
                "prepare_ns",
                "process_cpu_ns",
                "peak_bytes",
                "peak_extra_bytes",
                "minor_faults",
                "major_faults",
                "bytes_mapped",
            )
        }
        version = next((sample["version"] for sample in one.samples if sample.get("version")), None)
        ratio = times_ours(one, series)
        timed.append(
            {
                **row,
                "run_name": row["name"],
                "run_type": "iteration",
                "repetitions": len(one.samples),
                "iterations": len(one.samples),
                "real_time": one.median(),
                "cpu_time": one.median("cpu_ns") or 0,
                "time_unit": "ns",
                "median_ns": one.median(),
                "low_ns": low,
                "high_ns": high,
                "maps": one.maps,
                "bytes": checkpoint.expected["bytes"],
                **{name: value for name, value in values.items() if value is not None},
                **({"version": version} if version else {}),
                **({"times_ours": ratio} if ratio is not None else {}),
                "samples_ns": [sample["wall_ns"] for sample in one.samples],
                "samples": [{k: v for k, v in sample.items() if k != "version"} for sample in one.samples],
            }
        )
    return timed, not_timed
