"""Checks the Markdown files: links and anchors resolve, paths in backticks exist, tables are up to date, lines fit."""
import json
import os
import re
import subprocess
import unittest
from pathlib import Path

import fields_table

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
COLUMNS = 120

FENCE = re.compile(r"^(`{3,})")
CODE = re.compile(r"(`+)(.+?)\1")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
GENERATED = re.compile(r"<!-- (?!end of )([\w ]+) -->.*?<!-- end of \1 -->", re.DOTALL)
TOP_FOLDERS = r"(?:\.ci|bench|cmake|docs|examples|harness|models|results|scripts|tests)"
PATH = re.compile(rf"^{TOP_FOLDERS}/[\w./*-]*")
# Written by a build or a test; no checkout holds them.
PLACEHOLDER = re.compile(r"NAME|FILE|TARGET|…")


def documents():
    """Every Markdown file that git knows or would add; without git, every one outside build folders."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.splitlines()]
    else:
        found = [path for path in ROOT.rglob("*.md") if not re.match(r"(build|\.venv)", path.relative_to(ROOT).parts[0])]
    return sorted(path for path in found if path.exists())


def prose(text):
    """(number, line) of each line outside fenced code."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if fence is None and found:
            fence = found[1]
        elif fence is not None:
            if line.startswith(fence):
                fence = None
        else:
            yield number, line


def anchor(heading):
    """GitHub's anchor of a heading."""
    text = CODE.sub(r"\2", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text):
    return {anchor(line.lstrip("#")) for _, line in prose(text) if re.match(r"#{1,6} ", line)}


def name_of(document):
    return str(document.relative_to(ROOT))


def broken_links(document, text):
    """Why each relative link of the document leads nowhere."""
    for number, line in prose(text):
        for target in LINK.findall(CODE.sub("", line)):
            if re.match(r"\w+:", target):
                continue
            name, _, fragment = target.partition("#")
            path = document.parent / name
            if name and not path.exists():
                yield f"{name_of(document)}:{number}: the link {target} leads to no file"
            elif fragment and fragment not in anchors(path.read_text() if name else text):
                yield f"{name_of(document)}:{number}: {name or name_of(document)} has no heading #{fragment}"


def missing_paths(document, text):
    """The paths in backticks that no file of the repository has. `harness/load` and `tests/*/make_*.py` are paths too."""
    for number, line in prose(text):
        for _, code in CODE.findall(line):
            for word in code.split():
                found = PATH.match(word)
                if found and not PLACEHOLDER.search(word) and not any(ROOT.glob(found[0].rstrip("./"))):
                    yield f"{name_of(document)}:{number}: there is no {found[0]}"


class DocumentsTest(unittest.TestCase):
    maxDiff = None

    def test_there_are_documents(self):
        names = {str(path.relative_to(ROOT)) for path in documents()}
        self.assertLessEqual({"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/ckpt.md"}, names)

    def test_relative_links_resolve(self):
        self.assertEqual([fault for path in documents() for fault in broken_links(path, path.read_text())], [])

    def test_paths_in_backticks_exist(self):
        now = [path for path in documents() if path.name != "CHANGELOG.md"]  # which names what was, too
        self.assertEqual([fault for path in now for fault in missing_paths(path, path.read_text())], [])

    def test_the_layout_lists_the_folders_that_there_are(self):
        text = (ROOT / "CONTRIBUTING.md").read_text()
        (layout,) = re.findall(r"^## Layout\n.*?^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        listed = {name.strip(",") for line in layout.splitlines() if not line.startswith(" ")
                  for name in re.split(r"\s{2,}", line)[0].split()}
        self.assertEqual(sorted(name for name in listed if not (ROOT / name).is_dir()), [], "listed, and not there")
        there = {f"harness/{path.name}" for path in (ROOT / "harness").iterdir() if path.is_dir()}
        self.assertEqual(sorted(there - listed), [], "there, and not listed in CONTRIBUTING.md's layout")

    def test_every_document_is_linked_from_the_readme_or_another(self):
        linked = set()
        for path in documents():
            for _, line in prose(path.read_text()):
                linked |= {(path.parent / name.partition("#")[0]).resolve() for name in LINK.findall(line)}
        self.assertEqual([name_of(path) for path in (ROOT / "docs").glob("*.md") if path.resolve() not in linked], [])

    def test_the_table_of_fields_is_the_schemas(self):
        schema, text = json.loads(fields_table.SCHEMA.read_text()), fields_table.DOCUMENT.read_text()
        self.assertEqual(text.splitlines(), fields_table.with_table(text, schema).splitlines(), "run tests/docs/fields_table.py --write")

    def test_lines_outside_tables_and_code_fit(self):
        long = []
        for path in documents():
            if path.parent not in (ROOT, ROOT / "docs"):
                continue
            text = GENERATED.sub(lambda block: "\n" * block[0].count("\n"), path.read_text())
            long += [f"{name_of(path)}:{number}: {len(line)} columns" for number, line in prose(text)
                     if len(line) > COLUMNS and not line.startswith("|")]
        self.assertEqual(long, [])


class CheckerTest(unittest.TestCase):
    """The checks above find what they are there for."""

    maxDiff = None

    def test_broken_links_are_found(self):
        text = "[a](nowhere.md) [b](ckpt.md#nowhere) [c](#there) [d](#here) [e](https://example.org/x) `[f](code.md)`\n"
        text += "# Here\n```\n[g](fenced.md)\n```\n"
        self.assertEqual(list(broken_links(ROOT / "docs" / "page.md", text)),
                         ["docs/page.md:1: the link nowhere.md leads to no file", "docs/page.md:1: ckpt.md has no heading #nowhere",
                          "docs/page.md:1: docs/page.md has no heading #there"])

    def test_missing_paths_are_found(self):
        text = "`scripts/nothing --flag` `scripts/bench` `harness/load/NAME.cc` `tests/checkpoint/make_*.py` `no/path` `docs/none.md`\n"
        self.assertEqual(list(missing_paths(ROOT / "page.md", text)),
                         ["page.md:1: there is no scripts/nothing", "page.md:1: there is no docs/none.md"])

    def test_a_field_that_is_not_in_the_table_is_found(self):
        schema = {"$defs": {"row": {"properties": {"a": {"description": "One"}, "b": {"description": "x|y"}}},
                            "timed": {"allOf": [{"if": {"properties": {"case": {"const": kind}}}, "then": {"required": required}}
                                                for kind, required in (("load", ["a", "b"]), ("limit", ["a"]))]}}}
        text = f"Head\n{fields_table.BEGIN}\nold\n{fields_table.END}\nFoot\n"
        self.assertEqual(fields_table.with_table(text, schema).splitlines(),
                         ["Head", fields_table.BEGIN, "| field | always | meaning |", "|---|---|---|", "| `a` | all | One |",
                          "| `b` | load | x\\|y |", fields_table.END, "Foot"])

    def test_anchors_are_githubs(self):
        self.assertEqual(anchors("# A `load` path, twice\n## What's new?\n"), {"a-load-path-twice", "whats-new"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
