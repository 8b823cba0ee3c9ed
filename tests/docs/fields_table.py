#!/usr/bin/env python3
"""Writes or checks the table of result fields in docs/results.md, which results/schema.json describes.

Without --write nothing is written: prints a sentence and exits with 1 if the table is out of date.
"""
import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
SCHEMA, DOCUMENT = ROOT / "results" / "schema.json", ROOT / "docs" / "results.md"
BEGIN, END = "<!-- field table -->", "<!-- end of field table -->"


def always(definitions):
    """Returns, by field, the kinds of case whose timed rows must have it."""
    kinds = {}
    for rule in definitions["timed"]["allOf"]:
        kind = rule["if"]["properties"]["case"]["const"]
        for field in rule["then"]["required"]:
            kinds.setdefault(field, []).append(kind)
    return kinds, len(definitions["timed"]["allOf"])


def table(schema):
    """Returns the lines of the table."""
    kinds, number = always(schema["$defs"])
    lines = ["| field | always | meaning |", "|---|---|---|"]
    for name, field in schema["$defs"]["row"]["properties"].items():
        of = kinds.get(name, [])
        lines.append(f"| `{name}` | {'all' if len(of) == number else ', '.join(of)} | {field['description'].replace('|', chr(92) + '|')} |")
    return lines


def with_table(text, schema):
    """Returns the document's text with the table between its markers."""
    before, rest = text.split(BEGIN)
    return "\n".join([before + BEGIN, *table(schema), END]) + rest.split(END)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--write", action="store_true", help="write the table into docs/results.md")
    options = parser.parse_args()
    old = DOCUMENT.read_text()
    new = with_table(old, json.loads(SCHEMA.read_text()))
    if options.write:
        DOCUMENT.write_text(new)
    elif new != old:
        print("docs/results.md: its table of fields is not that of results/schema.json: run tests/docs/fields_table.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
