"""Turns the small files that the tests make into inputs for the fuzz targets.

    python make_seeds.py TEST_DATA SEEDS

TEST_DATA: build/test-data. SEEDS/TARGET/NAME is written for every target. `scripts/fuzz --merge` keeps of them, and of what
a long run found, the few that reach all the code.
"""
import hashlib
import io
import struct
import sys
import zipfile
from pathlib import Path

LARGEST = 16384


def part(data):
    return struct.pack("<I", len(data)) + data


def pickles(data):
    """The pickles of a zip archive, as far as Python's own zip module reads it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [archive.read(name) for name in archive.namelist() if name.endswith(".pkl")]
    except Exception:  # a hostile archive
        return []


def several(folder):
    """The parts of a checkpoint in several files, the listing one first; shards under the names that the target gives them."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    metadata = folder / ".metadata"
    if metadata.is_file():
        ranks = [path.read_bytes() for path in files if path.suffix == ".distcp"] + [b"", b""]
        listing = metadata.read_bytes()
        # Names of equal length: the pickle stays right.
        for path, name in zip((path for path in files if path.suffix == ".distcp"), (b"__0_0.distcp", b"__1_0.distcp")):
            if len(path.name) == len(name):
                listing = listing.replace(path.name.encode(), name)
        return "dcp", part(listing) + part(ranks[0]) + ranks[1]
    for path in files:
        if path.name.endswith(".index.json"):
            listing, shards = path.read_bytes(), []
            for shard in files:
                if shard != path and shard.name.encode() in listing and len(shards) < 2:
                    listing = listing.replace(b'"' + shard.name.encode() + b'"', b'"a"' if not shards else b'"b"')
                    shards.append(shard.read_bytes())
            shards += [b"", b""]
            return "index", part(listing) + part(shards[0]) + shards[1]
    return None, b""


def main(test_data, seeds):
    def add(target, data):
        if 0 < len(data) <= LARGEST:
            folder = seeds / target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    for path in sorted(test_data.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            target, data = several(path)
            if target:
                add(target, data)
        if not path.is_file() or path.stat().st_size > 16 * LARGEST:
            continue
        data = path.read_bytes()
        if data.startswith(b"PK"):
            add("zip", data)
            for pickle in pickles(data):
                add("pickle", pickle)
        elif data.startswith((b"\x80", b"(", b"]", b"}", b"c")) and path.name != ".metadata":
            add("legacy", data)
        elif data[8:9] == b"{" or "safetensors" in path.name:
            add("safetensors", data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
