"""Which checkpoint files exist: models by formats by layouts, as harness/golden/reference_files.json lists them.

harness/golden/reference_files.h says what the fields of that file mean.
"""
import dataclasses
import json
from pathlib import Path

from loadpath.reference import registry

ROOT = Path(__file__).resolve().parents[3]
# An installed module has it beside itself.
SOURCE = next(path for path in (Path(__file__).with_name("reference_files.json"), ROOT / "harness" / "golden" / "reference_files.json") if path.exists())
_TABLE = json.loads(SOURCE.read_text())

_ROWS = {row["name"]: row for row in _TABLE["formats"]}
FORMATS = tuple(_ROWS)
SHARED = tuple(_TABLE["shared"])
KEYS = _TABLE["layouts"]  # the key path of the state dict in each layout of one model
LAYOUTS = (*KEYS, *(shared["layout"] for shared in SHARED))

# Models that AOTInductor compiles to machine code; `aoti` stands among the formats, `bare` among the layouts.
AOTI = "aoti"
PROGRAMS = tuple(_TABLE["programs"])

_ORIGINALS = {(file["model"], file["format"], file["layout"]): name for name, file in _TABLE["originals"].items()}


def shared_file(name):
    """Returns the row of the file that several models share, by the file's name or one of its models', or None."""
    return next((shared for shared in SHARED if name == shared["name"] or name in shared["models"]), None)


@dataclasses.dataclass(frozen=True)
class File:
    model: str  # or the name of a shared file: "multi:A+B"
    format: str
    layout: str

    @property
    def name(self):
        ending = _ROWS[self.format]["ending"]
        default = f"{self.model.replace(':', '-')}.{self.format}.{self.layout}{ending}"
        return _ORIGINALS.get((self.model, self.format, self.layout), default)

    @property
    def plain_dict(self):
        """The name of the same file without OrderedDict, which torch::pickle_load can read, or None."""
        if self.layout not in _ROWS[self.format].get("plain_dict", ()):
            return None
        return self.name.removesuffix(".pth") + ".dict.pth"

    @property
    def models(self):
        """(model, key path) of each state dict in the file."""
        shared = shared_file(self.model)
        return tuple(shared["models"].items()) if shared else ((self.model, KEYS[self.layout]),)


@dataclasses.dataclass(frozen=True)
class Program:
    model: str

    @property
    def name(self):
        return f"{self.model.replace(':', '-')}.{AOTI}.pt2"


@dataclasses.dataclass
class Wanted:
    files: list[File]
    models: list[str]  # whose hashes and goldens are wanted
    programs: list[Program]


def product(names, formats, layouts):
    """Returns every file and program of these models in these formats and layouts, as far as they exist."""
    files, programs = [], []
    for name in names:
        if name in PROGRAMS and AOTI in formats and "bare" in layouts:
            programs.append(Program(name))
        shared = shared_file(name)
        for row in _ROWS.values():
            for layout in row["layouts"]:
                if row["name"] in formats and layout in layouts and (layout == shared["layout"] if shared else layout in KEYS):
                    files.append(File(shared["name"] if shared else name, row["name"], layout))
    return Wanted(list(dict.fromkeys(files)), list(names), programs)


def needed_by(cases):
    """Returns what benchmark cases need. Cases of other kinds, and those on the user's own checkpoint, need nothing.

    The names: load/MODEL/FORMAT/LAYOUT/…, startup/… likewise, forward/MODEL/DEVICE/batch:N/WAY/…. A shared file's layout
    is followed by how often it is opened (multi:once). A module's forward pass takes its weights from the zip file.
    """
    files, names, programs = [], [], []
    for case in cases:
        kind, *rest = case.split("/")
        if kind in ("load", "startup") and len(rest) >= 3:
            name, file_format, layout = rest[:3]
            layout = layout.partition(":")[0]
        elif kind == "forward" and len(rest) >= 4:
            # The weights of a module come from the zip file; Python's come from where that has them from.
            name, file_format = rest[0], {"module": "zip", "inference_mode": "zip", "python": "zip"}.get(rest[3], rest[3])
            shared = shared_file(name)
            layout = shared["layout"] if shared else "bare"
        else:
            continue
        members = next((tuple(shared["models"]) for shared in SHARED if shared["name"] == name), (name,))
        if not all(member in registry.names() for member in members):
            continue
        found = product(members, (file_format,), (layout,))
        files += found.files
        names += found.models
        programs += found.programs
    return Wanted(*(list(dict.fromkeys(found)) for found in (files, names, programs)))
