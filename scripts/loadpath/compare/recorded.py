"""Reads recorded results: ours (docs/results.md) and Google Benchmark's own JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from loadpath.common.command_line import BadUse
from loadpath.verdict import costs

KEY = ("case", "model", "format", "layout", "path", "device", "cache", "memory", "batch", "threads")
NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
MOST_BYTES = 1 << 30


@dataclass
class Series:
    """One case of a file. times: nanoseconds, one a sample; alone: they are one aggregate, so that no interval can be
    told; costs: the exact ones; status: ok, skipped or error."""

    name: str
    key: tuple
    status: str = "ok"
    reason: str = ""
    times: list = field(default_factory=list)
    alone: bool = False
    costs: dict = field(default_factory=dict)
    varying: tuple = ()
    checked: bool | None = None


@dataclass
class Recorded:
    """A file. ours: it is bench's; context: facts about its run; series: {key: Series}."""

    file: str
    ours: bool
    context: dict
    series: dict


def read(file):
    """Returns the Recorded of a file. Raises BadUse with one line."""
    path = Path(file)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadUse(f"{file}: more than 1 GiB: not results")
        whole = json.loads(path.read_text())
    except OSError as error:
        raise BadUse(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise BadUse(f"{file}: is not JSON; write it with bench --json FILE") from None
    if isinstance(whole, dict) and "verdicts" in whole:
        raise BadUse(f"{file}: is a report of scripts/regress; scripts/regress --history STORE adds it to a history")
    if not isinstance(whole, dict) or not isinstance(whole.get("benchmarks"), list):
        raise BadUse(f"{file}: has no list \"benchmarks\"; bench --json and Google Benchmark's --benchmark_out write one")
    context = whole.get("context")
    if not isinstance(context, dict):
        raise BadUse(f"{file}: has no \"context\"; bench --json and Google Benchmark's --benchmark_out write one")
    if "peers_schema_version" in context:
        raise BadUse(f"{file}: is of scripts/peers, whose rows are loaders and not cases; results of bench --json are needed")
    ours = "schema_version" in context
    if ours and str(context["schema_version"]).split(".")[0] not in ("1", "2", "3", "4", "5"):
        raise BadUse(f"{file}: schema_version {context['schema_version']}: not known here")
    try:
        series = _ours(whole) if ours else _google(whole)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadUse(f"{file}: is not as {'bench' if ours else 'Google Benchmark'} writes it: {error!r}") from None
    return Recorded(file, ours, context, series)


def _time(value):
    """Returns a time as a number. Raises ValueError."""
    time = float(value)
    if not 0 < time < 1e18:
        raise ValueError(f"a time of {time}")
    return time


def _ours(whole):
    series = {}
    for row in [*whole["benchmarks"], *whole.get("not_timed", [])]:
        if row.get("case") == "limit":
            continue
        key = tuple(str(row.get(name, "")) for name in KEY)
        if key in series:
            raise ValueError(f"two rows of {row['name']}")
        series[key] = Series(
            row["name"],
            key,
            row["status"],
            row.get("reason", ""),
            [_time(ns) for ns in row.get("samples_ns", [])],
            costs={name: int(row[name]) for name in costs.NAMES if name in row},
            varying=tuple(row.get("varying", ())),
            checked=row.get("checked"),
        )
    return series


def _google(whole):
    series, aggregates = {}, {}
    for row in whole["benchmarks"]:
        name = row.get("run_name", row["name"])
        if row.get("error_occurred") or row.get("skipped"):
            reason = row.get("error_message") or row.get("skip_message") or ""
            status = "error" if row.get("error_occurred") or row.get("skipped") == "error" else "skipped"
            series[(name,)] = Series(name, (name,), status, reason)
            continue
        if "real_time" not in row:
            continue  # BigO and RMS
        nanoseconds = _time(row["real_time"]) * NS[row.get("time_unit", "ns")]
        if row.get("run_type", "iteration") == "iteration":
            series.setdefault((name,), Series(name, (name,))).times.append(nanoseconds)
        elif row.get("aggregate_unit", "time") == "time" and row.get("aggregate_name") in ("median", "mean"):
            aggregates.setdefault(name, {})[row["aggregate_name"]] = nanoseconds
    for name, of_it in aggregates.items():
        if (name,) not in series:
            series[(name,)] = Series(name, (name,), times=[of_it.get("median", of_it.get("mean"))], alone=True)
    return series


def middle(series):
    return median(series.times) if series.times else None
