"""The rules for keys, as <loadpath/key_rules.h> has them: prefixes, rename, only, skip. Both sides do the same.

Python's expressions and libstdc++'s ECMAScript differ in corners (anchors inside a lookahead, an empty match beside another
one). The manifest lists which tensors Python loaded, and a load in C++ must fill just those.
"""
import difflib
import re
from collections import OrderedDict

from loadpath.reference.store import MakeError


def without_prefixes(key, prefixes):
    """Removes those that end with a dot wherever a component of the key begins with one, then the others once, at the beginning."""
    dotted = [prefix for prefix in prefixes if prefix.endswith(".")]
    kept = ""
    while key:
        if prefix := next((prefix for prefix in dotted if key.startswith(prefix)), None):
            key = key[len(prefix):]
            continue
        end = key.find(".") + 1 or len(key)
        kept, key = kept + key[:end], key[end:]
    for prefix in prefixes:
        if not prefix.endswith("."):
            kept = kept.removeprefix(prefix)
    return kept


class Rules:
    """The rules of a Reference, with their expressions compiled. `name` is the model's, for messages."""

    def __init__(self, reference, name):
        self.name, self.prefixes = name, tuple(reference.prefixes)
        if "" in self.prefixes:
            raise MakeError(f"{name}: a prefix is empty: leave it out")
        self.rename = [(self._compiled("rename", pattern), self._checked(replacement)) for pattern, replacement in reference.rename]
        self.only = self._compiled("only", reference.only) if reference.only else None
        self.skip = self._compiled("skip", reference.skip) if reference.skip else None
        self.filters = (("only", reference.only), ("skip", reference.skip))

    def _compiled(self, what, pattern):
        if not pattern:
            raise MakeError(f"{self.name}: a {what} rule has no pattern: leave it out")
        if _has_empty_class(pattern):
            raise MakeError(f"{self.name}: {what} {pattern!r} has an empty class, [] or [^]")
        try:
            # ECMAScript's classes are ASCII alone, and its $ is the very end.
            return re.compile(_very_end(pattern), re.ASCII)
        except re.error as error:
            raise MakeError(f"{self.name}: {what} {pattern!r} is not a regular expression ({error})") from None

    def _checked(self, replacement):
        for text in ("\\", "$`", "$'"):
            if text in replacement:
                raise MakeError(f"{self.name}: rename puts in {replacement!r} with {text}: the first group is $1, the whole match $&")
        return replacement

    def new_name(self, key):
        key = without_prefixes(key, self.prefixes)
        for pattern, replacement in self.rename:
            key = pattern.sub(lambda match, text=replacement: _filled(text, match), key)
        return key

    def skips(self, name):
        return self.skip is not None and self.skip.search(name) is not None

    def wants(self, name):
        return (self.only is None or self.only.search(name) is not None) and not self.skips(name)

    def require_match(self, names, module_keys=()):
        """Raises MakeError if `only` matches none of the names, or `skip` none of these and of the module's keys."""
        for (what, text), pattern, others in zip(self.filters, (self.only, self.skip), ((), module_keys)):
            if pattern is not None and not any(map(pattern.search, (*names, *others))):
                raise MakeError(f'{self.name}: {what} "{text}" matches none of the {len(names)} keys{_did_you_mean(text, names)}')


def _has_empty_class(pattern):
    """What ECMAScript takes for nothing, or for everything, and Python for a class that goes on."""
    return any(match[0].startswith(("[]", "[^]")) for match in re.finditer(r"\\.|\[\^?\]|\[(?:\\.|[^\]\\])*\]", pattern, flags=re.DOTALL))


def _very_end(pattern):
    """Python's $ matches before a newline at the end, too."""
    return re.sub(r"(\\.|\[(?:\\.|[^\]\\])*\])|\$", lambda match: match[1] or r"\Z", pattern, flags=re.DOTALL)


def _filled(replacement, match):
    """The replacement with ECMAScript's $1, $& and $$ filled in. A group that there is not is empty."""
    def fill(sign):
        if sign[1] in "$&":
            return "$" if sign[1] == "$" else match[0]
        group = int(sign[1])
        return (match[group] or "") if group <= match.re.groups else ""
    return re.sub(r"\$(\$|&|[0-9]{1,2})", fill, replacement)


def _did_you_mean(pattern, names):
    """The key, or the beginning of keys, that a filter may have meant."""
    beginnings = {name[:at + 1]: None for name in names for at in range(len(name)) if name[at] == "."}
    near = difflib.get_close_matches(re.sub(r"[\^$\\]", "", pattern), [*beginnings, *names], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def apply(reference, state_dict, name, module_keys=()):
    """Returns the state dict under the keys that the rules of `reference` give it, its modules' versions too."""
    rules = Rules(reference, name)
    for key in state_dict:
        if not isinstance(key, str):
            raise MakeError(f"{name}: a key is not text, {key!r}: prefixes, rename, only and skip are for the keys of a state dict")
    names = {key: rules.new_name(key) for key in state_dict}
    rules.require_match(list(names.values()), module_keys)
    renamed, before = OrderedDict(), {}
    for key, tensor in state_dict.items():
        new = names[key]
        if not rules.wants(new):
            continue
        if new in renamed:
            raise MakeError(f"{name}: {before[new]!r} and {key!r} are both called {new!r} by the rules")
        renamed[new], before[new] = tensor, key
    if (metadata := getattr(state_dict, "_metadata", None)) is not None:
        renamed._metadata = _modules(rules, metadata)
    return renamed


def _modules(rules, metadata):
    """A rule that fits the keys below a module fits its name and a dot. "module" takes the place of "", the wrapper."""
    renamed = OrderedDict()
    for path, local in metadata.items():
        new = rules.new_name(path + ".").removesuffix(".") if path else ""
        if new not in renamed or new != path:
            renamed[new] = local
    return renamed


def at(value, path):
    """Returns the value at a key path, as FollowKeyPath and StateDict::From find it. Raises KeyError if there is none.

    A key may hold dots; the longest wins. The end of the path may be the beginning of keys: "model.encoder" is the part of
    the dict "model" whose keys begin with "encoder.", which they lose.
    """
    try:
        return _follow(value, path)
    except KeyError:
        for end in [*_dots(path), 0]:
            try:
                whole = _follow(value, path[:end])
            except KeyError:
                continue
            prefix = path[end:].removeprefix(".") + "."
            if isinstance(whole, dict) and any(isinstance(key, str) and key.startswith(prefix) for key in whole):
                return _part(whole, prefix)
        raise


def _dots(path):
    return [place for place in reversed(range(len(path))) if path[place] == "."]


def _follow(value, path):
    if not path:
        return value
    for end in [len(path), *_dots(path)]:
        head, rest = path[:end], path[end + 1:]
        if isinstance(value, dict):
            children = [child for key, child in value.items() if str(key) == head]
        else:
            inside = isinstance(value, (list, tuple)) and head.isdecimal() and int(head) < len(value)
            children = [value[int(head)]] if inside else []
        for child in children:
            try:
                return _follow(child, rest)
            except KeyError:
                continue
    raise KeyError(path)


def _part(state_dict, prefix):
    part = OrderedDict((key[len(prefix):], value) for key, value in state_dict.items() if isinstance(key, str) and key.startswith(prefix))
    if (metadata := getattr(state_dict, "_metadata", None)) is not None:
        part._metadata = OrderedDict((path[len(prefix):], local) for path, local in metadata.items() if f"{path}.".startswith(prefix))
    return part
