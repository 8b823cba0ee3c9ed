"""Arrows between the rooms run one way: what a source file may include.

A room is a folder. Its public headers, <loadpath/….h>, lie in its folder include/. It sees itself, the rooms below it in ROOMS and what SEES names; it never sees what NEVER names. A file
belongs to the deepest room that holds it.
"""
import re
import unittest

from tree import ROOT, sources

# From the bottom of the house to its top.
ROOMS = [
    "harness/base",
    "harness/command_line",
    "harness/checkpoint",
    "harness/inspect",
    "harness/diff",
    "harness/save",
    "harness/state",
    "harness/load",
    "harness/golden",
    "harness/measure",
    "harness/results",
    "harness/suite",
    "bench",
]
# What a room sees besides, by folder or by file. Those that are not in ROOMS stand beside the house.
SEES = {
    "models": ["models", "harness/state/include/loadpath/module_info.h"],
    "harness/suite": ["models/include"],
    "bench": ["models"],
}
# The rooms inside the checkpoint's, from the bottom up. The files beside them are the interface and see all of them.
CHECKPOINT = "harness/checkpoint"
INSIDE = ["read", "pickle", "formats"]
# A format and a load path never meet, and a load path knows no model by name.
NEVER = {
    room: ["harness/checkpoint/formats", "harness/checkpoint/pickle", "models"] for room in ("harness/state", "harness/load")
}
# These compile in seconds and are fuzzed alone.
WITHOUT_LIBTORCH = ["harness/base", "harness/command_line", "harness/checkpoint", "harness/inspect", "harness/diff", "harness/save"]
# CMake makes these in the build folder, beside where their room is built.
GENERATED = ["reference_files_json.h"]
LIBTORCH = re.compile(r"(ATen|c10|caffe2|torch)/")

PUBLIC = re.compile(r"/include/loadpath/[^/]+\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)', re.MULTILINE)


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def room_of(path):
    return next((room for room in [*ROOMS, *SEES, "tests", "examples", "scripts", "cmake"] if within(path, room)), None)


def public_header(included):
    """Returns the path of the header that "loadpath/….h" names."""
    found = [room for room in [*ROOMS, "models"] if (ROOT / room / "include" / included).is_file()]
    return f"{found[0]}/include/{included}" if len(found) == 1 else included


def why_not(path, included):
    """Returns why the file may not include that, or None."""
    if included.startswith("loadpath/"):
        included = public_header(included)
    room, target = room_of(path), room_of(included)
    if room == "tests":
        seen = target != "bench" or within(path, "tests/bench")
        return None if seen and target != "scripts" else f"nothing sees {target}"
    if room in ("examples", "cmake", None):
        return None  # An example is a project of its own; test_every_source_folder_is_a_room tells of None.
    if target is None and included in GENERATED:
        return None
    if target is None:
        return f"{included} is in no room: an #include names the file by its path from the root"
    for folder in NEVER.get(room, []):
        if within(included, folder):
            return f"{room} never sees {folder}"
    if room == target == CHECKPOINT:
        return why_not_inside(path, included)
    below = ROOMS[: ROOMS.index(room) + 1] if room in ROOMS else []
    if target in below or any(within(included, seen) for seen in SEES.get(room, [])):
        return None
    if target in ("bench", "scripts", "tests"):
        return f"nothing sees {target}"
    if room in ROOMS and target in ROOMS:
        return f"{room} lies below {target}"
    return f"{room} does not see {target}"


def why_not_inside(path, included):
    rooms = [next((room for room in INSIDE if within(file, f"{CHECKPOINT}/{room}")), None) for file in (path, included)]
    if rooms[0] and rooms[1] and INSIDE.index(rooms[0]) < INSIDE.index(rooms[1]):
        return f"{CHECKPOINT}/{rooms[0]} lies below {CHECKPOINT}/{rooms[1]}"
    return None


def violations(files):
    """Returns a sentence for each wrong #include of {path: text}."""
    found = []
    for path, text in files.items():
        for match in INCLUDE.finditer(text):
            quoted, included = match[1] == '"', match[2]
            line = text.count("\n", 0, match.start(2)) + 1
            reason = None
            if quoted and PUBLIC.search(path) and not included.startswith("loadpath/"):
                reason = "a public header includes public headers alone"
            elif quoted:
                reason = why_not(path, included)
            elif LIBTORCH.match(included) and any(within(path, room) for room in WITHOUT_LIBTORCH):
                reason = f"{room_of(path)} compiles without LibTorch"
            if reason:
                found.append(f"{path}:{line}: includes {included}, but {reason}")
    return found


class ArrowsTest(unittest.TestCase):
    maxDiff = None

    def test_tree(self):
        found = violations(sources("*.cc", "*.h"))
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_every_source_folder_is_a_room(self):
        homeless = sorted({path.rsplit("/", 1)[0] for path in sources("*.cc", "*.h") if room_of(path) is None})
        self.assertEqual(homeless, [], "add the folder to ROOMS, at its place")

    def expect(self, path, line, sentence=None):
        text = f"// Text.\n{line}\n"
        self.assertEqual(violations({path: text}), [f"{path}:2: includes {sentence}"] if sentence else [])

    def test_what_is_right(self):
        self.expect("harness/checkpoint/formats/zip/a.cc", '#include "harness/base/error.h"')
        self.expect("harness/checkpoint/checkpoint.cc", '#include "harness/checkpoint/formats/sniff.h"')
        self.expect("harness/load/a.cc", "#include <ATen/ATen.h>")
        self.expect("harness/suite/a.cc", '#include "loadpath/model.h"')
        self.expect("harness/suite/a.cc", '#include "models/models.h"', "models/models.h, but harness/suite does not see models")
        self.expect("models/a.cc", '#include "loadpath/module_info.h"')
        self.expect("bench/ckpt/a.cc", '#include "harness/diff/causes.h"')
        self.expect("tests/bench/ckpt/a.cc", '#include "bench/ckpt/options.h"')

    def test_what_is_wrong(self):
        self.expect("harness/base/a.h", '#include "loadpath/tree.h"',
                    "loadpath/tree.h, but harness/base lies below harness/checkpoint")
        self.expect("harness/load/a.cc", '#include "harness/checkpoint/formats/zip/directory.h"',
                    "harness/checkpoint/formats/zip/directory.h, but harness/load never sees harness/checkpoint/formats")
        self.expect("harness/checkpoint/pickle/a.cc", '#include "harness/checkpoint/formats/sniff.h"',
                    "harness/checkpoint/formats/sniff.h, but harness/checkpoint/pickle lies below harness/checkpoint/formats")
        self.expect("harness/checkpoint/a.cc", '#include "harness/load/a.h"',
                    "harness/load/a.h, but harness/checkpoint lies below harness/load")
        self.expect("harness/load/a.cc", '#include "models/gpt2.h"', "models/gpt2.h, but harness/load never sees models")
        self.expect("harness/measure/a.cc", '#include "models/gpt2.h"', "models/gpt2.h, but harness/measure does not see models")
        self.expect("models/a.cc", '#include "harness/base/text.h"', "harness/base/text.h, but models does not see harness/base")
        self.expect("models/a.cc", '#include "harness/state/apply.h"', "harness/state/apply.h, but models does not see harness/state")
        self.expect("harness/suite/a.cc", '#include "bench/bench.h"', "bench/bench.h, but nothing sees bench")
        self.expect("tests/load/a.cc", '#include "bench/ckpt/options.h"', "bench/ckpt/options.h, but nothing sees bench")
        self.expect("harness/checkpoint/include/loadpath/a.h", '#include "harness/base/text.h"',
                    "harness/base/text.h, but a public header includes public headers alone")
        self.expect("harness/inspect/a.h", "#include <torch/types.h>",
                    "torch/types.h, but harness/inspect compiles without LibTorch")
        self.expect("harness/base/a.cc", '#include "error.h"',
                    "error.h, but error.h is in no room: an #include names the file by its path from the root")


if __name__ == "__main__":
    unittest.main(verbosity=2)
