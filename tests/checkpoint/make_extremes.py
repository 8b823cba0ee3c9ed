"""Writes checkpoints at the edges: counts, lengths and nesting past every limit, and files that look wrong and are right.

    python make_extremes.py DIRECTORY

DIRECTORY/expected.json: {file: sentence}, or {file: null} for what is read. What is read holds the tensor that
torch.load gives, or nothing that is a tensor.
"""

import io
import json
import os
import struct
import sys
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile_parts import HOOKS, KEYS, MAGIC, OLD, PAYLOAD, PROTO, SIZES, STORAGE, V2, VERSION, forbidden, good, header, integer, raw_zip, record  # noqa: E402

READ = None


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def zip64(count=4, offset=None, end_count=0xFFFF, end_offset=0xFFFFFFFF, locator=None, disks=1, size=None):
    """A right checkpoint with a zip64 end-of-directory record; each number in it may lie."""
    data = raw_zip(good())
    end = len(data) - 22
    directory_size, start = struct.unpack("<II", data[end + 12 : end + 20])
    record64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44 if size is None else size, 45, 45, 0, 0, count, count, directory_size, start if offset is None else offset)
    where = b"PK\6\7" + struct.pack("<IQI", 0, end if locator is None else locator, disks)
    return data[:end] + record64 + where + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, end_count, end_count, directory_size, end_offset, 0)


def one(pickle):
    """An archive with this pickle and one storage of four floats."""
    return raw_zip([record("data.pkl", PROTO + pickle + b"."), record("data/0", PAYLOAD), record("version", b"3\n")])


def nested_zip():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("model.pth", raw_zip(good()))
    return data.getvalue()


def flipped():
    data = bytearray(raw_zip(good()))
    data[data.index(PAYLOAD) + 5] ^= 0x10
    return bytes(data)


FLOATS = V2 + STORAGE + b"K\x00K\x04\x85K\x01\x85\x89" + HOOKS + b"tR"
HUGE = 2**40
ZIP = {
    "right zip64": (zip64(), READ),
    "count": (zip64(count=HUGE), "lists more records than its directory has room for"),
    "offset zero": (zip64(offset=0), "has bytes between its directory and the end record"),
    "offset past end": (zip64(offset=HUGE), "has a directory that lies outside the file"),
    "counts differ": (zip64(end_count=3), "has two end-of-directory records that disagree"),
    "offsets differ": (zip64(end_offset=7), "has two end-of-directory records that disagree"),
    "locator past end": (zip64(locator=HUGE), f"is cut off: {HUGE + 22 - len(raw_zip(good()))} bytes are missing before its directory's end"),
    "locator elsewhere": (zip64(locator=0), "has a zip64 end-of-directory record that is not where its locator points"),
    "two disks": (zip64(disks=2), "is one part of a zip archive in several parts"),
    "record size": (zip64(size=HUGE), "has a zip64 end-of-directory record that is not where its locator points"),
    "petabytes": (raw_zip(good(data_0={"method": 8, "size": 2**32 - 1, "extra": struct.pack("<HHQ", 1, 8, 2**52)})), "claims to inflate to more than deflate can hold"),
    "ten bytes": (b"PK\3\4" + b"\0" * 6, "is a zip archive without its directory, which stands at the end: the file is cut off (was the download or the copy complete?)"),
    "half": (raw_zip(good())[:300], "is a zip archive without its directory, which stands at the end: the file is cut off (was the download or the copy complete?)"),
    "payload bit": (flipped(), "has bytes that do not match their CRC-32: the file is damaged"),
    "other case": (raw_zip(good() + [record("DATA/0", PAYLOAD)]), READ),
    "absolute": (raw_zip([{**r, "name": r["name"].replace("a/", "/a/")} for r in good()]), "is a zip archive, but not one that torch.save wrote: its records do not lie in one folder"),
    "zip in zip": (nested_zip(), "is a zip archive that holds model.pth: unpack it and name that file"),
    "no sum": (raw_zip(good(data_0={"crc": 0, "local_crc": 0})), READ),
    "local sum absent": (raw_zip(good(data_0={"local_crc": 0})), "has another size or checksum in its local header than in the directory"),
}  # fmt: skip
PICKLE = {
    "hub": (b"ctorch.hub\nload\n" + text("x/y") + text("z") + b"\x86R", forbidden("torch.hub.load")),
    "far put": (b"Nr\xff\xff\xff\xff", READ),
    "behind stop": (b"N.N", "has 2 bytes behind its pickle"),
    "deep lists": (b"]" * 200_000 + b"a" * 199_999, READ),
    "deep tuples": (b")" + b"\x85" * 1_000_000, READ),
    "deep dicts": (b"}" + b"K\x01}" * 100_000 + b"s" * 100_000, READ),
    "itself": (b"]q\x00h\x00a", READ),
    "key twice": (b"}(" + text("a") + b"K\x01" + text("a") + b"K\x02u", READ),
    "key of float": (b"}G" + struct.pack(">d", float("nan")) + b"Ns", READ),
    "parameter without state": (b"ctorch.nn.parameter\nParameter\n)\x81", "calls torch.nn.parameter.Parameter with 0 arguments"),
    "wrapped": (b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n(" + STORAGE + b"K\x00K\x04\x85K\x01\x85\x89" + HOOKS + b"tNtR", READ),
    "frame crossing": (b"\x95\x03\0\0\0\0\0\0\0X\x05\0\0\0abcde", "pickle exhausted before end of frame"),
    "frame in frame": (b"\x95\x0b\0\0\0\0\0\0\0\x95\x01\0\0\0\0\0\0\0N", "beginning of a new frame before end of current frame"),
    "no integer bytes": (b"\x8a\x00", READ),
    "six integer bytes": (b"\x8a\x06" + b"\x01" * 6, READ),
    "nine integer bytes": (b"\x8a\x09" + b"\x01" * 9, READ),
    "many integer bytes": (b"\x8a\xff" + b"\x01" * 255, READ),
    "far key": (FLOATS.replace(b"X\x01\x00\x00\x000", text("1000000000")), "lacks a record that its pickle names"),
    "key of number": (FLOATS.replace(b"X\x01\x00\x00\x000", b"K\x00"), "has a persistent id that is not ('storage', type, key, location, numel)"),
    "unknown storage": (FLOATS.replace(b"FloatStorage", b"FooStorage"), forbidden("torch.FooStorage")),
    "endless": (FLOATS.replace(b"K\x04\x85K\x01\x85", integer(HUGE) + b"\x85K\x00\x85"), "has an expanded tensor of shape [1099511627776] over 16 bytes: it is not copied out, because it would take 4398046511104 bytes"),
    "two dtypes": (b"](" + FLOATS + FLOATS.replace(b"FloatStorage", b"LongStorage").replace(b"K\x04tQ", b"K\x02tQ").replace(b"K\x04\x85", b"K\x02\x85") + b"e", READ),
    "negated": (FLOATS[:-2] + b"}" + text("neg") + b"\x88stR", READ),
    "negated by number": (FLOATS[:-2] + b"}" + text("neg") + b"K\x01stR", "has a tensor whose neg bit is not a bool"),
    "many tensors": (b"}(" + b"".join(text(str(i)) + FLOATS for i in range(100_000)) + b"u", READ),
    "strange keys": (b"}(" + b"".join(text(k) + FLOATS for k in ("", "a\nb", "\U0001f642", "x" * 4096)) + b"u", READ),
}  # fmt: skip
F32 = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
SAFETENSORS = {
    "seven bytes": (b"\x02\0\0\0\0\0\0", "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "no header": (struct.pack("<Q", 0), "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "leading space": (header(b' {"a":' + F32.encode() + b"}", b"\0" * 4), "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "byte order mark": (header(b'\xef\xbb\xbf{"a":' + F32.encode() + b"}", b"\0" * 4), "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "array": (header(b"[]"), "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "padded": (header(b'{"a":' + F32.encode() + b"}   ", b"\0" * 4), READ),
    "nul behind": (header(b'{"a":' + F32.encode() + b"}\0", b"\0" * 4), "has a header that is not JSON at byte 55"),
    "nul in name": (header(b'{"a\\u0000b":' + F32.encode() + b"}", b"\0" * 4), READ),
    "no name": (header(b'{"":' + F32.encode() + b"}", b"\0" * 4), READ),
    "no tensors": (header(b"{}"), READ),
    "zero sized": (header(b'{"a":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}}'), READ),
    "huge and empty": (header(b'{"a":{"dtype":"F32","shape":[0,9223372036854775808],"data_offsets":[0,0]}}'), "has a number in its header that is too large"),
    "stride overflow": (header(b'{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}'), "has a tensor of shape [0, 4611686018427387904, 4] and dtype F32 in 0 bytes"),
    "overflow": (header(b'{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}'), "has a tensor of shape [2305843009213693952] and dtype F64 in 0 bytes"),
    "null metadata": (header(b'{"__metadata__":null}'), READ),
    "null metadata and tensor": (header(b'{"a":' + F32.encode() + b',"__metadata__":null}', b"\0" * 4), READ),
    "null metadata twice": (header(b'{"__metadata__":null,"__metadata__":null}'), "names __metadata__ twice in its header"),
    "null behind metadata": (header(b'{"__metadata__":null,"a":null}'), "has a null in its header"),
    "null in metadata": (header(b'{"__metadata__":{"a":null}}'), "has a null in its header"),
    "null tensor": (header(b'{"a":null}'), "has a null in its header"),
    "metadata twice": (header(b'{"__metadata__":{},"__metadata__":{}}'), "names __metadata__ twice in its header"),
    "offset twice": (header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"data_offsets":[0,4]}}', b"\0" * 4), "has data_offsets twice in one entry of its header"),
    "huge offset": (header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551616]}}', b"\0" * 4), "has a number in its header that is too large"),
    "ten overlap": (header(("{" + ",".join(f'"{i}":{F32}' for i in range(10)) + "}").encode(), b"\0" * 4), "has a tensor whose bytes do not follow those of the one before"),
    "many names": (header(("{" + ",".join('"%d":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}' % i for i in range(100_000)) + "}").encode(), b"\0"), "has a tensor whose bytes do not follow those of the one before"),
}  # fmt: skip
LEGACY = {
    "count negative": (b"".join([MAGIC, VERSION, SIZES, OLD, KEYS]) + struct.pack("<q", -4) + bytes(16), "says that a storage has -4 elements, but its pickle says 4"),
    "count huge": (b"".join([MAGIC, VERSION, SIZES, OLD, KEYS]) + struct.pack("<q", 2**62) + bytes(16), "says that a storage has 4611686018427387904 elements, but its pickle says 4"),
    "big-endian": (b"".join([MAGIC, VERSION, PROTO + b"}" + text("little_endian") + b"\x89s.", OLD, KEYS]) + struct.pack("<q", 4) + PAYLOAD, READ),
}  # fmt: skip


def main(directory):
    os.makedirs(directory, exist_ok=True)
    expected = {}
    pickles = {name: (one(pickle), sentence) for name, (pickle, sentence) in PICKLE.items()}
    for kind, cases in (("zip", ZIP), ("pickle", pickles), ("safetensors", SAFETENSORS), ("legacy", LEGACY)):
        for name, (data, sentence) in cases.items():
            file = f"{kind}.{name.replace(' ', '_')}"
            with open(os.path.join(directory, file), "wb") as out:
                out.write(data)
            expected[file] = sentence
    with open(os.path.join(directory, "expected.json"), "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1])
