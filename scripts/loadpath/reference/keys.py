"""The rules for keys, as <loadpath/key_rules.h> has them: prefixes, rename, only, skip."""
import re

from loadpath.reference.store import MakeError


def without_prefix(key, prefix):
    """Removes the prefix wherever a component of the key begins with it."""
    kept, at = "", 0
    while at < len(key):
        if key.startswith(prefix, at) and (at == 0 or key[at - 1] == "."):
            at += len(prefix)
        else:
            kept += key[at]
            at += 1
    return kept


def _replacement(text):
    """ECMAScript's $1, $& and $$ as Python writes them."""
    special = {"$$": "$", "$&": r"\g<0>"}
    return re.sub(r"\$(\$|&|\d{1,2})", lambda match: special.get(match[0]) or rf"\g<{match[1]}>", text.replace("\\", r"\\"))


def apply(reference, state_dict, name):
    """Returns the state dict under the keys that the rules of `reference` give it."""
    renamed, before = {}, {}
    for key, tensor in state_dict.items():
        new = key
        for prefix in reference.prefixes:
            new = without_prefix(new, prefix)
        for pattern, replacement in reference.rename:
            new = re.sub(pattern, _replacement(replacement), new)
        if (reference.only and not re.search(reference.only, new)) or (reference.skip and re.search(reference.skip, new)):
            continue
        if new in renamed:
            raise MakeError(f"{name}: {before[new]!r} and {key!r} are both called {new!r} by the rules")
        renamed[new], before[new] = tensor, key
    return renamed
