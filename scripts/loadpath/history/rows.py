"""What is kept of a run: its facts, its environment, and a point for each metric of each series."""

import datetime
import hashlib
import json
import math
from dataclasses import dataclass, field
from statistics import median

from loadpath.common.command_line import BadUse
from loadpath.compare import recorded
from loadpath.verdict import costs, statistics

# What stands in the environment's fingerprint: the machine, and not what one run found there.
ENVIRONMENT = (
    "host_name", "cpu", "processors", "num_cpus", "memory", "kernel", "virtual_machine", "huge_pages", "governor",
    "filesystem", "cpu_capability",
)  # fmt: skip
FACTS = ("version", "libtorch", "compiler", "build_type", "threads", "seed", "command", "library_version")
POINT = {"unit": "", "value": None, "low": None, "high": None, "text": "", "samples": ""}
SEED = 1


@dataclass
class Run:
    uid: str
    kind: str
    date: str
    commit: str
    facts: str
    environment: str
    branch: str = ""
    points: list = field(default_factory=list)


def _json(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def utc(text):
    """Returns a date as ISO 8601 in UTC. Raises BadUse."""
    try:
        date = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadUse(f"date {text!r}: not a date as ISO 8601 has it") from None
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.timezone.utc)
    return date.astimezone(datetime.timezone.utc).isoformat(timespec="seconds")


def of_results(file, branch=""):
    """Returns the Run of results in a file: bench's or Google Benchmark's. Raises BadUse."""
    found = recorded.read(file)
    context = found.context
    try:
        date = utc(context.get("date"))
    except BadUse as error:
        raise BadUse(f"{file}: {error}") from None
    run = Run(
        uid=_uid(file),
        kind="bench" if found.ours else "google",
        date=date,
        commit=str(context.get("commit", "")),
        facts=_json({name: context[name] for name in FACTS if name in context}),
        environment=_json({name: context[name] for name in ENVIRONMENT if name in context}),
        branch=branch,
    )
    for one in found.series.values():
        fields = {name: value for name, value in zip(recorded.KEY, one.key) if value} if found.ours else {"name": one.name}
        key = {"key": _json(fields), "name": one.name}
        status = one.status + (f": {' '.join(one.reason.split())}" if one.reason else "")
        run.points.append({**POINT, **key, "metric": "status", "text": status})
        if one.times:
            run.points.append({**POINT, **key, **_time(one.times)})
        run.points += [
            {**POINT, **key, "metric": name, "unit": "bytes" if "bytes" in name else "count", "value": float(value)}
            for name, value in one.costs.items()
            if name in costs.NAMES
        ]
    return run


def _uid(file):
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _time(times):
    point = {"metric": "time", "unit": "ns", "value": median(times), "samples": _json(times)}
    if len(times) >= 5:
        medians = statistics.bootstrap(times, SEED)
        point["low"], point["high"] = (
            statistics.bound(medians, part) for part in (statistics.FINE, 1 - statistics.FINE)
        )
    return point


def of_regress(verdicts, about, status):
    """Returns the Run of a comparison of two builds: the paired ratio of each case, and its verdict."""
    text = _json([about, [vars(verdict) | {"metrics": [vars(m) for m in verdict.metrics]} for verdict in verdicts]])
    run = Run(
        uid=hashlib.sha256(text.encode()).hexdigest(),
        kind="regress",
        date=utc(about["date"]),
        commit=about.get("commit", ""),
        facts=_json({name: about[name] for name in ("base", "head", "seed", "command") if name in about} | {"exit_status": status}),
        environment=_json(about.get("machine", {})),
    )
    for verdict in verdicts:
        key = {"key": _json({"regress": verdict.case}), "name": verdict.case}
        told = "; ".join([verdict.word, *verdict.sentences, *([verdict.reason] if verdict.reason else [])])
        run.points.append({**POINT, **key, "metric": "verdict", "text": told})
        for metric in verdict.metrics:
            if math.isfinite(metric.ratio):
                point = {"metric": f"ratio of {metric.name}", "unit": "ratio", "value": metric.ratio}
                run.points.append({**POINT, **key, **point, "low": metric.low, "high": metric.high})
    return run


def of_line(line, where):
    """Returns the Run of a line that `export --format json` wrote. Raises BadUse."""
    try:
        whole = json.loads(line)
        names = ("uid", "kind", "date", "commit", "facts", "environment", "branch")
        run = Run(**{name: str(whole[name]) for name in names})
        run.date = utc(run.date)
        for point in whole["points"]:
            run.points.append({**POINT, **{name: point[name] for name in ("key", "name", "metric")}})
            run.points[-1].update({name: point[name] for name in POINT if name in point})
            for name in ("value", "low", "high"):
                value = run.points[-1][name]
                if value is not None and not math.isfinite(value):
                    raise ValueError(f"{name} is not finite")
        if len(run.uid) != 64 or not run.points:
            raise ValueError("it has no uid of 64 digits, or no points")
    except (ValueError, KeyError, TypeError) as error:
        raise BadUse(f"{where}: not a line that scripts/history export wrote: {error}") from None
    return run
