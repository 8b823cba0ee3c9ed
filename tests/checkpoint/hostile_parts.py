"""What hostile checkpoints are made of: pieces of pickles, and containers every field of which may lie."""

import io
import struct
import zlib

PROTO = b"\x80\x02"
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
V2 = b"ctorch._utils\n_rebuild_tensor_v2\n("
HOOKS = b"ccollections\nOrderedDict\n)R"


def integer(value):
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def tensor(offset=0, size=(4,), stride=(1,), grad=b"\x89", extra=b"", storage=STORAGE):
    numbers = lambda values: b"(" + b"".join(map(integer, values)) + b"t"
    return PROTO + V2 + storage + integer(offset) + numbers(size) + numbers(stride) + grad + HOOKS + extra + b"tR."


def raw_zip(entries, comment=b"", count=None, prefix=b"", gap=b"", disk=0):
    """A zip archive from dicts of fields, each of which may lie."""
    out, directory = io.BytesIO(), io.BytesIO()
    out.write(prefix)
    for entry in entries:
        name, data = entry["name"].encode("latin-1"), entry.get("data", b"")
        stored = entry.get("stored", data)
        crc, method = entry.get("crc", zlib.crc32(data)), entry.get("method", 0)
        size, csize = entry.get("size", len(data)), entry.get("csize", len(stored))
        offset = entry.get("offset", out.tell())
        local = entry.get("local_name", entry["name"]).encode("latin-1")
        out.write(entry.get("signature", b"PK\3\4"))
        out.write(struct.pack("<HHHHHIIIHH", 20, entry.get("local_flags", 0), entry.get("local_method", method), 0, 0, entry.get("local_crc", crc),
                              csize, size, len(local), entry.get("local_extra", 0)))  # fmt: skip
        out.write(local + stored)
        extra = entry.get("extra", b"")
        directory.write(b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, entry.get("flags", 0), method, 0, 0, crc, csize, size, len(name),
                                                len(extra), 0, entry.get("disk", 0), 0, 0, offset) + name + extra)  # fmt: skip
    start, directory = out.tell(), directory.getvalue()
    out.write(directory + gap)
    count = len(entries) if count is None else count
    out.write(b"PK\5\6" + struct.pack("<HHHHIIH", disk, 0, count, count, len(directory), start, len(comment)) + comment)
    return out.getvalue()


def record(name, data=b"", **fields):
    return {"name": "a/" + name, "data": data, **fields}


def good(**change):
    """The records of a right checkpoint; change: fields of one of them, by name with _ for . and /."""
    content = {"data.pkl": tensor(), "byteorder": b"little", "data/0": b"\0\1\2\3" * 4, "version": b"3\n"}
    return [record(n, d, **change.get(n.replace(".", "_").replace("/", "_"), {})) for n, d in content.items()]


def deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PAYLOAD = b"\0\1\2\3" * 4


def header(text, data=b""):
    return struct.pack("<Q", len(text)) + text + data


MAGIC = PROTO + b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
VERSION, SIZES = PROTO + b"M\xe9\x03.", PROTO + b"}."
OLD = tensor(storage=STORAGE.replace(b"K\x04t", b"K\x04Nt"))
KEYS = PROTO + b"](X\x01\x00\x00\x000e."
DATA = struct.pack("<q", 4) + b"\0" * 16


def forbidden(name):
    """The sentence that refuses a name which is not on PyTorch's list."""
    return f"names {name}, which is not on PyTorch's weights_only list (Unsupported global)"


def blocked(name):
    return f"names {name}, which no checkpoint needs and which is never read"
