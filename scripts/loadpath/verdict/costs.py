"""Exact costs of two programs, or of two runs: what differs, and what that most likely means."""

# A cost, and what a change of it is called. The order is that of the report.
NAMES = ("bytes", "bytes_read", "read_calls", "bytes_mapped", "bytes_copied", "allocations", "bytes_allocated")
# More of it is worse; of what is mapped, less is. The bytes that are loaded must simply be the same.
LESS_IS_WORSE = ("bytes_mapped",)
OF_THE_ANSWER = ("bytes",)


def shown(name, value):
    if value is None:
        return "0" if name in LESS_IS_WORSE else "unknown"  # what maps nothing has no such cost
    return f"{value:,}"


def differing(base, head):
    """Returns [(name, base's value, head's value)] of the costs that differ; None for one that is not known."""
    return [
        (name, base.get(name), head.get(name)) for name in NAMES if base.get(name) != head.get(name)
    ]


def is_worse(name, before, now):
    if before is None or now is None:
        # A reader that maps nothing has no bytes_mapped.
        before, now = before or 0, now or 0
    if name in OF_THE_ANSWER:
        return before != now
    return now < before if name in LESS_IS_WORSE else now > before


def sentences(base, head):
    """Returns [(sentence, whether it is worse)]: one for each cost that differs, with what it means where that is
    plain."""
    told = []
    for name, before, now in differing(base, head):
        meaning = _meaning(name, before, now, base, head)
        told.append(
            (f"{name} {shown(name, before)} → {shown(name, now)}" + (f": {meaning}" if meaning else ""), is_worse(name, before, now))
        )
    return told


def _meaning(name, before, now, base, head):
    loaded = base.get("bytes") or 0
    before, now = before or 0, now or 0
    more = now - before
    if name == "bytes" or not loaded:
        return "" if name != "bytes" else "another amount is loaded"
    if name == "bytes_read":
        if before < loaded / 2 and more >= 0.9 * loaded:
            return "the tensors are read, and were not before"
        if before and now >= 1.9 * before:
            return "the file is read twice" if now < 2.5 * before else f"the file is read {now / before:.0f} times"
        if more >= 0.9 * loaded:
            return "the tensors are read once more"
    elif name == "bytes_copied":
        if more >= 0.9 * loaded:
            return "every tensor is copied twice" if before >= 0.9 * loaded else "every tensor is copied once more"
        if -more >= 0.9 * loaded:
            return "every tensor is copied once less"
    elif name == "bytes_mapped":
        if before and not now:
            return "nothing is mapped any more"
        return "less is mapped" if more < 0 else "more is mapped"
    elif name == "bytes_allocated":
        # Allocations are rounded up, and what is fresh for the module is in base's, too.
        if more >= 0.9 * loaded:
            return "every tensor takes memory once more"
    return ""
