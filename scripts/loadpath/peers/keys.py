"""Finds a state dict under a key path, and tells which of its names are one tensor."""


def under(value, key):
    """Returns the dict under a dotted key path; keys may contain dots themselves. Raises KeyError with a sentence."""
    found = _find(value, key) if key else value
    if found is None:
        raise KeyError(
            f"no {key!r} in it; at the top level are {', '.join(map(repr, list(value)[:5]))}"
            if isinstance(value, dict)
            else f"no {key!r} in it: it holds a {type(value).__name__}"
        )
    if not isinstance(found, dict):
        raise KeyError(
            f"{key!r} is a {type(found).__name__}, not a state dict"
            if key
            else f"it holds a {type(found).__name__}, not a state dict"
        )
    return found


def _find(value, key):
    if isinstance(value, dict):
        if key in value:
            return value[key]
        for name in value:
            if (
                isinstance(name, str)
                and key.startswith(name + ".")
                and (found := _find(value[name], key[len(name) + 1 :])) is not None
            ):
                return found
    if isinstance(value, (list, tuple)):
        head, _, rest = key.partition(".")
        if head.isdigit() and int(head) < len(value):
            return _find(value[int(head)], rest) if rest else value[int(head)]
    return None


def aliases_of(tensors):
    """Returns {name: earlier name} for the names of a tensor that has an earlier name: the same bytes in the same
    shape."""
    first, aliases = {}, {}
    for name, tensor in tensors.items():
        place = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in first:
            aliases[name] = first[place]
        else:
            first[place] = name
    return aliases
