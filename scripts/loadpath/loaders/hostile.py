"""The hand-made hostile files of tests/checkpoint, one defect each, and words for the loaders' outcomes."""
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from loadpath.loaders import loaders

GENERATORS = ("hostile", "hostile_archives", "extremes", "several_hostile")
# Outcomes of other loaders that are not recorded.
NOT_RECORDED = ("pickle.numel_large", "zip.deflated_lie", "zip.short_inflate", "zip.long_inflate", "zip.stored_sizes", "legacy.no_keys")
PAYLOAD = torch.frombuffer(bytearray(b"\0\1\2\3" * 4), dtype=torch.float32)
# The last is right if the pickle asks for the negative bit.
FLOATS = (torch.zeros(4), PAYLOAD, -PAYLOAD)


@dataclass
class Case:
    """wanted: the sentence in which loadpath refuses the file, or None if it reads it."""

    name: str
    path: str
    wanted: str | None
    opaque: bool

    def foreign(self):
        """Returns a name for torch.load, which recognises safetensors only by the ending of the file's name."""
        link = f"{self.path}.safetensors"
        if not self.name.startswith("safetensors."):
            return self.path
        if not os.path.islink(link):
            os.symlink(self.path, link)
        return link


def make(folder, tests):
    """Runs every generator. tests: the folder of the generators."""
    for generator in GENERATORS:
        subprocess.run([sys.executable, "-B", Path(tests) / f"make_{generator}.py", Path(folder) / generator], check=True)


def cases(folder):
    """Returns the files that the generators made in the folder, in order."""
    found = []
    for generator in GENERATORS:
        files = Path(folder) / generator
        for name, wanted in json.loads((files / "expected.json").read_text()).items():
            opaque = isinstance(wanted, list) and wanted[1]
            wanted = wanted[0] if isinstance(wanted, list) else wanted
            path = str(files / name)
            if wanted is not None:
                wanted = wanted.replace("DIR", str(files), 1).removeprefix(f"{path}: ") if wanted.startswith("DIR") else wanted
            found.append(Case(name, path, wanted, opaque))
    return found


def undamaged(case, ours):
    """Returns the contents that the file may have without the defect; one of them is right. ours: loadpath's outcome."""
    if case.wanted is None:
        return [loaders.content(ours.tensors)]
    kind = case.name.split(".")[0]
    place = {"script": ["w"], "export": ["w"], "safetensors": ["a"]}.get(kind, [])
    wanted = (torch.zeros(1),) if kind == "safetensors" else FLOATS
    contents = [loaders.content([loaders.of_tensor(t, place, {})]) for t in wanted]
    return contents if kind in ("zip", "legacy") else contents + [{}]


def word(case, outcome, ours):
    """Returns a word for the outcome of another loader."""
    if outcome.kind != "loads":
        return {"refused": "refused", "crash": f"crash ({outcome.words})", "hang": "hangs", "memory": "out of memory"}[outcome.kind]
    got, right = loaders.content(outcome.tensors), undamaged(case, ours)
    # A pickle may ask for a tensor of another dtype or shape: giving that one is right. Other bytes are wrong.
    kinds = lambda content: {name: about[:2] for name, about in content.items()}
    if case.name.startswith("pickle.") and case.wanted is not None and kinds(got) not in map(kinds, right):
        return "accepted"
    return "accepted" if got in right else "other tensors"
