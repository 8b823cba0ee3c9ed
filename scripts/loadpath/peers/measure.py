"""Takes the samples of a checkpoint: each loader tried once, then rounds in random order."""

from dataclasses import dataclass

from loadpath.peers import residency
from loadpath.common.child import Failed
from loadpath.peers.context import without_paths
from loadpath.peers.sampling import Wrong, take
from loadpath.peers.schedule import rounds
from loadpath.peers.table import Series


@dataclass(frozen=True)
class Plan:
    """caches: the states of the page cache; samples: of each series; seconds: after which no round begins, or None;
    seed: of the order; places: folders whose names no reason shows; tell(text): called before each round."""

    caches: tuple
    samples: int
    seconds: float | None
    seed: int
    places: tuple
    tell: object


def measure(checkpoint, rows, plan, tools):
    """Returns (the Series of the rows, whether they were interrupted). What was measured until then is kept."""
    series = [Series(row, cache) for row in rows for cache in plan.caches]
    try:
        if plan.samples > 1:
            plan.tell(f"{checkpoint.name}: trying {len(rows)} loaders")
            _try(series, plan, checkpoint, tools)
        able = [one for one in series if one.status == "ok"]
        last = -1
        for number, one in rounds(able, plan.samples, plan.seed, plan.seconds):
            if number != last:
                plan.tell(f"round {number + 1}: {len(able)} loads")
                last = number
            if one.status == "ok":
                _attempt(one, number, plan, checkpoint, tools)
    except KeyboardInterrupt:
        for one in series:
            if one.status == "ok" and not one.samples:
                one.fail("skipped", "interrupted before it was measured")
        return series, True
    return series, False


def _try(series, plan, checkpoint, tools):
    """Finds out which loaders run, in the first state of the page cache. Their programs are then in it, too."""
    tried = {}
    for one in series:
        if one.row not in tried:
            _attempt(one, None, plan, checkpoint, tools)
            tried[one.row] = one
        elif tried[one.row].status != "ok":
            one.fail(tried[one.row].status, tried[one.row].reason)


def _attempt(one, number, plan, checkpoint, tools):
    """Takes a sample for round `number`; None: it does not count."""
    try:
        sample = take(one.row, one.cache, checkpoint, tools)
    except Wrong as error:
        one.fail("wrong", str(error))
    except (Failed, residency.Unproven) as error:
        one.fail("skipped", without_paths(str(error), plan.places))
    except OSError as error:
        one.fail("skipped", without_paths(f"{error.filename or 'file'}: {error.strerror}", plan.places))
    else:
        one.samples += [{**sample, "round": number}] if number is not None else []
