"""Command lines: flags, numbers, files."""

import difflib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path


class BadUse(Exception):
    """Its text is one sentence."""


@dataclass
class Options:
    files: list
    given: dict

    def get(self, flag, default=None):
        return self.given.get(flag, default)


def did_you_mean(word, candidates):
    near = difflib.get_close_matches(word.lower(), [candidate.lower() for candidate in candidates], 1, 0.6)
    return f"; did you mean {next(c for c in candidates if c.lower() == near[0])}?" if near else ""


def parse(arguments, program, values, flags=()):
    """Returns the Options, or None after --help. `values` are the flags that take one, `flags` those that take none.
    Raises BadUse."""
    options, rest = Options([], {}), list(arguments)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        if word in ("-h", "--help"):
            return None
        if flag in flags and not equals:
            options.given[flag] = True
        elif flag in values:
            value = value if equals else rest.pop(0) if rest and not rest[0].startswith("--") else ""
            if not value:
                raise BadUse(f"{flag} needs a value ({program} --help)")
            options.given[flag] = value
        elif word.startswith("-"):
            raise BadUse(
                f"unknown flag: {flag}{did_you_mean(flag, (*values, *flags, '--help'))}"
                f" ({program} --help lists the flags)"
            )
        else:
            options.files.append(word)
    return options


def run(arguments, name, doc, values, flags, work):
    """Parses a command's arguments and returns the exit status of work(options). After --help prints the usage, which
    is all of `doc` but its first paragraph, and returns 0; of a BadUse tells the sentence, and returns 2."""
    try:
        options = parse(arguments, name, values, flags)
        if options is None:
            print(doc.split("\n\n", 1)[1].strip())
            return 0
        return work(options)
    except BadUse as error:
        print(f"{re.split('[/ ]', name)[-1]}: {error}", file=sys.stderr, flush=True)
        return 2


def no_files(options, name):
    """Raises BadUse if there are arguments that are no flags."""
    if options.files:
        raise BadUse(f"unexpected argument: '{options.files[0]}' ({name} --help)")


def pattern_of(options, flag="--filter", default=""):
    """Returns the regular expression of a flag, compiled. Raises BadUse."""
    text = options.get(flag, default)
    try:
        return re.compile(text)
    except re.error as error:
        raise BadUse(f"{flag} {text}: not a regular expression: {error}") from None


def seconds_of(options, flag, default):
    """Returns a length of time in seconds. Raises BadUse."""
    text = options.get(flag)
    if text is None:
        return default
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|min)?", text)
    seconds = float(found[1]) * {"ms": 1e-3, "m": 60, "min": 60}.get(found[2], 1) if found else 0
    if not 0 < seconds <= 1e6:
        raise BadUse(f"{flag} {text}: not a length of time; use 60s or 5m")
    return seconds


def whole(options, flag, default, least):
    """Returns a whole number. Raises BadUse."""
    text = options.get(flag)
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise BadUse(f"{flag} {text}: not a whole number from {least} on")
    return int(text)


def files_of(options):
    """Returns [(file, key)]. Raises BadUse."""
    pairs = []
    for word in options.files:
        name, _, key = word.partition("::")
        if key and options.get("--key"):
            raise BadUse(f"{word}: has a key, and --key has another; give one")
        pairs.append((Path(name), key or options.get("--key", "")))
    return pairs


def writable(options, flag):
    """Raises BadUse if the file of a flag cannot be written."""
    if path := options.get(flag):
        folder = Path(path).absolute().parent
        if Path(path).is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise BadUse(f"{flag} {path}: cannot be written")
