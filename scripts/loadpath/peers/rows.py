"""The rows of a table: every Python loader of loaders.py, every path of `bench --list-paths`."""

import re
from dataclasses import dataclass

from loadpath.peers import ours


@dataclass(frozen=True)
class Row:
    """name: for people and --peers. format: a name of formats.FORMATS. via: of one of ours, its load path; loadpath: it
    is no function of LibTorch's."""

    name: str
    format: str
    via: str = ""
    loadpath: bool = False


def all_rows(loaders, own, paths):
    """Returns the rows for the Python loaders of the table, those of the user's own (rows already), and load paths."""
    rows = [*(Row(loader.name, loader.format) for loader in loaders), *own]
    for path in paths:
        if path in ours.LIBTORCH:
            format, name = ours.LIBTORCH[path]
            rows.append(Row(name, format, path))
        else:
            rows += [Row(f"loadpath {path}, {format}", format, path, True) for format in ours.OWN_FORMATS]
    return rows


def chosen(rows, pattern):
    """Returns the rows whose name has a match of the regular expression, whatever the case. Raises re.error."""
    return [row for row in rows if re.search(pattern, row.name, re.IGNORECASE)]
