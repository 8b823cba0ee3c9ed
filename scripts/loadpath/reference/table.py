"""Which checkpoints exist: models by formats by layouts (the same table as harness/golden/reference_files.cc)."""
import dataclasses

import models

FORMATS = ("zip", "legacy", "safetensors", "sharded", "sharded_bin", "torchscript", "cpp", "pt2", "dcp", "opaque")
LAYOUTS = ("bare", "nested", "deep", "full", "multi")

_COMBINATIONS = (
    ("zip", "bare"), ("zip", "nested"), ("zip", "deep"), ("zip", "full"),
    ("legacy", "bare"), ("legacy", "nested"),
    *((file_format, "bare") for file_format in FORMATS[2:]),
)
_MULTI_COMBINATIONS = (("zip", "multi"), ("legacy", "multi"))
_MULTI_MODELS = ("multi:A", "multi:B")

# The files of the original cases bear their own names.
_NAMES = {
    ("linear", "zip", "nested"): "linear_model.pth",
    ("custom", "zip", "bare"): "custom_model.pth",
    ("multi:A+B", "zip", "multi"): "multi_model.pth",
}

# How a name ends; a folder's name has no ending.
_SUFFIXES = {
    "safetensors": ".safetensors", "sharded": "", "sharded_bin": "", "torchscript": ".pt", "cpp": ".pt", "pt2": ".pt2", "dcp": ""
}

# Models that exist as machine code too, as AOTInductor compiles them (`aoti` among the formats, `bare` among the layouts).
AOTI = "aoti"
_PROGRAMS = ("custom", "resnet50")

# Where the state dict lies in each layout.
KEYS = {
    "bare": "",
    "nested": "model_state_dict",
    "deep": "run.stages.1.weights.model",
    "full": "model_state_dict",
}
_MULTI_KEYS = {"multi:A": "modelA_state_dict", "multi:B": "modelB_state_dict"}

# Forms that torch::pickle_load can read (no OrderedDict) exist beside these.
_PLAIN_DICT = {("zip", "bare"), ("zip", "nested"), ("zip", "multi")}


@dataclasses.dataclass(frozen=True)
class File:
    model: str  # "multi:A+B" for the file that holds both
    format: str
    layout: str

    @property
    def name(self):
        default = f"{self.model.replace(':', '-')}.{self.format}.{self.layout}{_SUFFIXES.get(self.format, '.pth')}"
        return _NAMES.get((self.model, self.format, self.layout), default)

    @property
    def plain_dict(self):
        """The name of the form without OrderedDict, or None."""
        if (self.format, self.layout) not in _PLAIN_DICT:
            return None
        return self.name.removesuffix(".pth") + ".dict.pth"

    @property
    def models(self):
        """(model, key path) of each state dict in it."""
        if self.layout == "multi":
            return tuple(_MULTI_KEYS.items())
        return ((self.model, KEYS[self.layout]),)


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
    """Every file and program of these models in these formats and layouts, as far as they exist."""
    files, programs = [], []
    for name in names:
        if name in _PROGRAMS and AOTI in formats and "bare" in layouts:
            programs.append(Program(name))
        multi = name in _MULTI_MODELS
        for file_format, layout in _MULTI_COMBINATIONS if multi else _COMBINATIONS:
            if file_format in formats and layout in layouts:
                files.append(File("multi:A+B" if multi else name, file_format, layout))
    return Wanted(list(dict.fromkeys(files)), list(names), programs)


def needed_by(cases):
    """What benchmark cases need: load/MODEL/FORMAT/LAYOUT/…, startup/… likewise, forward/MODEL/DEVICE/batch:N/WAY (a
    module's weights from zip/bare, or zip/multi). Cases of other kinds need nothing."""
    files, names, programs = [], [], []
    for case in cases:
        kind, *rest = case.split("/")
        if kind in ("load", "startup") and len(rest) >= 3:
            name, file_format, layout = rest[:3]
            layout = layout.partition(":")[0]  # multi:once and multi:twice are ways of opening one file
        elif kind == "forward" and len(rest) == 4:
            name, file_format = rest[0], {"module": "zip"}.get(rest[3], rest[3])
            layout = "multi" if name in _MULTI_MODELS else "bare"
        else:
            continue
        members = _MULTI_MODELS if name == "multi:A+B" else (name,)
        if not all(member in models.NAMES for member in members):
            continue  # a case on the user's own checkpoint
        found = product(members, (file_format,), (layout,))
        files += found.files
        names += found.models
        programs += found.programs
    return Wanted(*(list(dict.fromkeys(found)) for found in (files, names, programs)))
