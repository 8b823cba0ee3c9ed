"""Makes the reference data: checkpoints, golden inputs and outputs, and the manifest that describes them.

Everything comes from fixed seeds and from the installed packages; nothing is downloaded. Files that are up to date are
left alone. harness/golden/manifest.h says what the manifest holds.
"""
import argparse
import sys
import time
from pathlib import Path

import models
from loadpath.reference import table
from loadpath.reference.store import MakeError, Store
from loadpath.reference.table import ROOT

FORMATS = (*table.FORMATS, table.AOTI)

EXAMPLES = """\
examples:
  %(prog)s --models linear,custom                     every format and layout of two models
  %(prog)s --models gpt2 --formats zip --layouts bare,nested
  %(prog)s --all --data /mnt/fast/reference
  build/bin/bench --list | %(prog)s --cases -         the files that the listed cases need
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "reference", metavar="DIR",
                        help="where to write (default: build/reference)")
    parser.add_argument("--cases", metavar="FILE", help="make the files that these cases need, one name a line (-: standard input)")
    parser.add_argument("--models", metavar="A,B", help="of: " + ", ".join(models.NAMES))
    parser.add_argument("--formats", metavar="A,B", help="of: " + ", ".join(FORMATS) + " (default: all)")
    parser.add_argument("--layouts", metavar="A,B", help="of: " + ", ".join(table.LAYOUTS) + " (default: all)")
    parser.add_argument("--all", action="store_true", help="every model; without --formats and --layouts about 13 GB")
    parser.add_argument("--list", action="store_true", help="list what would be made: model, format, layout, file")
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "bin" / "bench", metavar="PROGRAM",
                        help="the suite of these models, which writes the format cpp (default: build/bin/bench)")
    options = parser.parse_args(arguments)
    try:
        wanted = choose(options)
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        for item in wanted.files:
            print(f"{item.model:<13} {item.format:<12} {item.layout:<7} {item.name}")
        for item in wanted.programs:
            print(f"{item.model:<13} {table.AOTI:<12} {'bare':<7} {item.name}")
        return 0
    try:
        make(options, wanted)
    except (OSError, ImportError, MakeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def choose(options):
    """Returns the files and models that the command line asks for. Raises ValueError with one line for the user."""
    if options.cases is not None:
        if options.all or options.models or options.formats or options.layouts:
            raise ValueError("--cases chooses the files: drop --all, --models, --formats and --layouts")
        try:
            lines = sys.stdin.read() if options.cases == "-" else Path(options.cases).read_text()
        except OSError as error:
            raise ValueError(f"--cases {error}") from None
        return table.needed_by(lines.split())
    if not (options.all or options.list or options.models):
        raise ValueError("nothing is chosen: pass --models, --cases or --all")
    return table.product(
        names_in("--models", options.models, models.NAMES),
        names_in("--formats", options.formats, FORMATS),
        names_in("--layouts", options.layouts, table.LAYOUTS),
    )


def names_in(flag, text, known):
    if text is None:
        return list(known)
    names = text.split(",")
    for name in names:
        if name not in known:
            raise ValueError(f"{flag}: there is no {name!r}, only {', '.join(known)}")
    return names


def make(options, wanted):
    began = time.monotonic()
    directory = options.data
    with Store(directory) as store:
        todo = store.missing(wanted)
        if todo:
            # Imported late, because PyTorch takes seconds and mostly there is nothing to make.
            from loadpath.reference import writer

            writer.make(store, todo, Progress(len(todo)), options.program.resolve())
    if todo:
        seconds = time.monotonic() - began
        print(f"reference data: {len(todo)} of {len(wanted.files) + len(wanted.models) + len(wanted.programs)} made in {seconds:.1f} s, in {directory}")
    else:
        print(f"reference data: up to date, in {directory}")


class Progress:
    """Shows on a terminal what is being made. Prints nothing if standard error is not a terminal."""

    def __init__(self, total):
        self._total = total
        self._count = 0
        self._terminal = sys.stderr.isatty()

    def start(self, what):
        self._count += 1
        if self._terminal:
            print(f"\r\033[K[{self._count}/{self._total}] {what}", end="", file=sys.stderr, flush=True)

    def end(self):
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
