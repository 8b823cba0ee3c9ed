"""Writes checkpoints that must be refused, and the sentence for each: PyTorch's own where it has one.

    python make_hostile.py DIRECTORY

DIRECTORY/expected.json: {file: sentence}. A sentence of None in the tables below is asked of torch.load(weights_only=True).
"""

import io
import json
import os
import re
import struct
import sys
import tarfile
import warnings
from pickle import UnpicklingError

import torch
from torch._weights_only_unpickler import Unpickler, _get_allowed_globals

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile_parts import DATA, KEYS, MAGIC, OLD, PAYLOAD, PROTO, SIZES, STORAGE, VERSION, blocked, deflate, forbidden, good, header, raw_zip, record, tensor  # noqa: E402
from hostile_pickles import PICKLES  # noqa: E402

warnings.filterwarnings("ignore")


def archive(path, pickle, **records):
    content = {"data.pkl": pickle, "byteorder": b"little", "data/0": b"\0" * 16, "version": b"3\n"}
    content.update(records)
    writer = torch._C.PyTorchFileWriter(path)
    for name, data in content.items():
        writer.write_record(name, data, len(data))
    writer.write_end_of_file()


def words(pickle):
    """Why PyTorch's restricted unpickler refuses it: in its own words, unless it refuses a name."""
    unpickler = Unpickler(io.BytesIO(pickle), encoding="utf-8")
    unpickler.persistent_load = lambda _: torch.zeros(4).storage()
    try:
        unpickler.load()
        raise AssertionError(f"PyTorch reads {pickle}")
    except UnpicklingError as error:
        said = str(error)
    if "DTensor" in said:
        return forbidden("torch.distributed.tensor.DTensor")
    name = re.match(r"(?:Unsupported global:|Trying to load unsupported) GLOBAL (\S+) (?:was|whose)", said)
    if not name:
        return said
    # PyTorch leaves the module builtins out.
    full = name[1] if "." in name[1] else "builtins." + name[1]
    return blocked(full) if "is blocked" in said or full == "builtins.eval" else forbidden(full)


ARCHIVES = {
    "flag in directory": (raw_zip(good(data_0={"flags": 1})), "is encrypted"),
    "flag in header": (raw_zip(good(data_0={"local_flags": 1})), "is encrypted"),
    "strong": (raw_zip(good(data_0={"flags": 0x40})), "is encrypted"),
    "masked": (raw_zip(good(data_0={"flags": 0x2000})), "is encrypted"),
    "patched": (raw_zip(good(data_0={"flags": 0x20})), "holds patch data, not a record"),
    "method 99": (raw_zip(good(data_0={"method": 99})), "is compressed by method 99; stored (0) and deflated (8) are read"),
    "method in header": (raw_zip(good(data_0={"local_method": 8})), "has another compression method in its local header than in the directory"),
    "deflated lie": (raw_zip(good(data_0={"method": 8})), "cannot be inflated: its compressed bytes are damaged"),
    "stored sizes": (raw_zip(good(data_0={"csize": 15})), "is stored, but its two sizes differ"),
    "bomb": (raw_zip(good(data_0={"method": 8, "size": 2**32 - 2})), "claims to inflate to more than deflate can hold"),
    "short inflate": (raw_zip(good(data_0={"method": 8, "stored": deflate(PAYLOAD[:8]), "size": 16})), "cannot be inflated: its compressed bytes are damaged"),
    "long inflate": (raw_zip(good(data_0={"method": 8, "stored": deflate(PAYLOAD + b"x"), "size": 16})), "cannot be inflated: its compressed bytes are damaged"),
    "crc": (raw_zip(good(data_0={"crc": 1, "local_crc": 1})), "has bytes that do not match their CRC-32: the file is damaged"),
    "crc of deflated": (raw_zip(good(data_0={"method": 8, "stored": deflate(PAYLOAD), "crc": 1, "local_crc": 1})),
                        "has bytes that do not match their CRC-32: the file is damaged"),
    "crc of pickle": (raw_zip(good(data_pkl={"crc": 1, "local_crc": 1})), "has bytes that do not match their CRC-32: the file is damaged"),
    "crc differs": (raw_zip(good(data_0={"local_crc": 1})), "has another size or checksum in its local header than in the directory"),
    "name differs": (raw_zip(good(data_0={"local_name": "a/data/1"})), "has another name in its local header than in the directory"),
    "signature": (raw_zip(good(data_0={"signature": b"PK\3\5"})), "has no local header where the directory points"),
    "extra too long": (raw_zip(good(data_0={"local_extra": 65535})), "does not fit between its local header and what follows"),
    "twice": (raw_zip(good() + [record("data/0", PAYLOAD)]), "stands twice in the directory"),
    "pickle twice": (raw_zip(good() + [record("data.pkl", PROTO + b"N.")]), "stands twice in the directory"),
    "two roots": (raw_zip(good() + [{"name": "b/x", "data": b""}]), "lies outside the archive's folder a/"),
    "no root": (raw_zip([{"name": "data.pkl", "data": PROTO + b"N."}]),
                "is a zip archive, but not one that torch.save wrote: its records do not lie in one folder"),
    "other folder first": (raw_zip([{"name": "__MACOSX/._a", "data": b""}] + good()),
                           "is a zip archive, but not one that torch.save wrote: its records do not lie in one folder"),
    "no pickle": (raw_zip(good()[1:]), "is a zip archive of 3 records without data.pkl, not a PyTorch checkpoint: name a checkpoint file"),
    "leaves": (raw_zip(good() + [record("../evil", b"")]), "has a name that leaves the archive's folder"),
    "nul": (raw_zip(good() + [record("x\0y", b"")]), "has a name with a NUL byte or a backslash"),
    "backslash": (raw_zip(good() + [record("x\\y", b"")]), "has a name with a NUL byte or a backslash"),
    "overlap": (raw_zip(good(data_0={"offset": 0})), "overlaps the next record"),
    "past end": (raw_zip(good(version={"offset": 2**31})), "reaches past the records into the directory"),
    "disk": (raw_zip(good(), disk=1), "is one part of a zip archive in several parts"),
    "record on disk": (raw_zip(good(data_0={"disk": 1})), "is one part of a zip archive in several parts"),
    "count": (raw_zip(good(), count=3), "has bytes in its directory that belong to no entry"),
    "count large": (raw_zip(good(), count=60000), "lists more records than its directory has room for"),
    "count 64": (raw_zip(good(), count=65535), "needs a zip64 end-of-directory record, which is missing"),
    "gap": (raw_zip(good(), gap=b"xyz"), "has bytes between its directory and the end record"),
    "fake end": (raw_zip(good(), comment=b"PK\5\6" + b"\0" * 18), "has two end-of-directory records: which one counts is ambiguous"),
    "behind": (raw_zip(good()) + b"x", "is a zip archive without its directory, which stands at the end: the file is cut off "
               "(was the download or the copy complete?)"),
    "empty archive": (raw_zip([]), "is an empty zip archive"),
    "short zip64": (raw_zip(good(data_0={"size": 2**32 - 1, "csize": 2**32 - 1, "extra": b"\1\0\4\0abcd"})), "has a zip64 field that is too short"),
    "extra field": (raw_zip(good(data_0={"extra": b"\1\0\xff\0"})), "has a damaged extra field in its directory"),
    "byteorder": (raw_zip(good()[:1] + [record("byteorder", b"middle")] + good()[2:]), "Unknown endianness type: middle"),
    "version 999": (raw_zip(good()[:3] + [record("version", b"999\n")]),
                    "Attempted to read a PyTorch file with version 999, but the maximum supported version for reading is 10."),
    "version abc": (raw_zip(good()[:3] + [record("version", b"abc")]), "Couldn't parse the version abc as Long Long."),
    "no version": (raw_zip(good()[:3]), "lacks the record that tells the format's version"),
}  # fmt: skip


def tar(name, magic=True):
    """The first header of a tar archive, by Python's own writer."""
    info = tarfile.TarInfo(name)
    head = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    if not magic:
        head[257:265] = bytes(8)
        head[148:156] = b"%06o\0 " % (sum(head[:148]) + 8 * 32 + sum(head[156:512]))
    return bytes(head)


def torch_zip():
    data = io.BytesIO()
    torch.save({"a": 1}, data)
    return data.getvalue()


OLD_TAR = ("is a checkpoint of PyTorch 0.1, a tar archive, which PyTorch reads only with weights_only=False: if you trust it, load it with "
           "PyTorch and save it again")  # fmt: skip
NAME_ONE = ", not a PyTorch checkpoint: name a checkpoint file"


def zipped(*names):
    return raw_zip([{"name": name, "data": b"x"} for name in names])


NOT_CHECKPOINTS = {
    "no bytes": (b"", "is empty: write or download it again"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "is a git-lfs pointer, not the file itself: run `git lfs pull` in its repository"),
    "page": (b"\n<!DOCTYPE html><html>Sign in</html>", "is a web page, not a checkpoint: download the file again, because the server gave an error or a login page"),
    "gzip": (b"\x1f\x8b\x08\0", "is compressed with gzip: unpack it first"),
    "seven": (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive: unpack it first"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "is an HDF5 file (Keras weights?), not a PyTorch checkpoint"),
    "tar": (tar("sys_info"), OLD_TAR),
    "tar without magic": (tar("./pickle", magic=False), OLD_TAR),
    "other tar": (tar("weights.pth"), "is a tar archive: unpack it first"),
    "rar": (b"Rar!\x1a\x07\0", "is a rar archive: unpack it first"),
    "lz4": (b"\x04\x22\x4d\x18\0", "is compressed with lz4: unpack it first"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:", "is an ONNX model, not a PyTorch checkpoint"),
    "tensorflow": (b"\x08\x01\x12\xf0\x83\x01\x0a\x9e\x17\x0a\x0e\x0a\x05Const\x12", "is a TensorFlow model, not a PyTorch checkpoint"),
    "tflite": (b"\x1c\0\0\0TFL3\0\0", "is a TensorFlow Lite model, not a PyTorch checkpoint"),
    "matlab": (b"MATLAB 5.0 MAT-file, Platform", "is a MATLAB file, not a PyTorch checkpoint"),
    "windows": (b"MZ\x90\0", "is an executable or a library, not a checkpoint"),
    "old pickle": (b"(dp0\nS'a'\nI1\ns.", "is a pickle, but not one that torch.save wrote (Invalid magic number; corrupt file?): save it with torch.save"),
    "npz": (raw_zip([{"name": "arr_0.npy"}]), "is a NumPy .npz archive, not a PyTorch checkpoint: save its arrays with torch.save"),
    "office": (zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"), "is an office document or a book" + NAME_ONE),
    "open document": (zipped("mimetype", "content.xml", "META-INF/manifest.xml"), "is an office document or a book" + NAME_ONE),
    "jar": (zipped("META-INF/", "META-INF/MANIFEST.MF", "org/x/Main.class"), "is a Java archive" + NAME_ONE),
    "android": (zipped("AndroidManifest.xml", "classes.dex", "META-INF/MANIFEST.MF"), "is an Android package" + NAME_ONE),
    "wheel": (zipped("gssc/__init__.py", "gssc/weights.pth", "gssc-1.0.dist-info/METADATA", "gssc-1.0.dist-info/RECORD"), "is a Python wheel" + NAME_ONE),
    "keras": (zipped("metadata.json", "config.json", "model.weights.h5"), "is a Keras model" + NAME_ONE),
    "folder of files": (zipped("run/log.txt", "run/epoch_1.pth", "run/epoch_2.pth"), "is a zip archive that holds run/epoch_1.pth: unpack it and name that file"),
    "photos": (zipped("a.jpg", "b.jpg"), "is a zip archive of 2 records without data.pkl, not a PyTorch checkpoint: name a checkpoint file"),
    "old export": (raw_zip([{"name": "serialized_exported_program.json"}]),
                   "is a torch.export archive of PyTorch 2.7 or older: load it with torch.export.load and save its state_dict with torch.save"),
    "package": (raw_zip([record(".data/extern_modules")]),
                "is a torch.package archive, which holds Python code: load its model with torch.package and save its state_dict with torch.save"),
    "old script": (raw_zip([record("model.json")]),
                   "is a TorchScript archive of PyTorch 1.2 or older, which is not read here: load it with torch.jit.load of a PyTorch that "
                   "still reads it and save its state_dict with torch.save"),
    "short by 1": (torch_zip()[:-1], "is cut off: 1 byte is missing at its end"),
    "short by 60": (torch_zip()[:-60], "is cut off: 60 bytes are missing at its end"),
    "short end record": (raw_zip(good())[:-5], "is cut off: 5 bytes are missing at its end"),
    "words": (b"hello, world", "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "plain pickle": (PROTO + b"N.", "is a pickle, but not one that torch.save wrote (Invalid magic number; corrupt file?): save it with torch.save"),
    "prefix": (b"junk" + raw_zip(good()), "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
}  # fmt: skip


F32 = b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
SAFETENSORS = {
    "tail": (header(b'{"a":' + F32 + b"}", b"\0" * 6), "has 2 bytes behind its last tensor"),
    "short": (header(b'{"a":' + F32 + b"}", b"\0" * 2), "is cut off: 2 bytes are missing"),
    "header past end": (struct.pack("<Q", 100) + b"{}", "is cut off inside its safetensors header: at least 98 bytes are missing"),
    "header huge": (struct.pack("<Q", 2**40) + b"{}", "has a safetensors header of more than 100,000,000 bytes"),
    "duplicate": (header(b'{"a":' + F32 + b',"a":' + F32 + b"}", b"\0" * 4), "names a twice in its header"),
    "field twice": (header(b'{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4), "has dtype twice in one entry of its header"),
    "unknown field": (header(b'{"a":{"x":"y","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4), "has an unknown field in its header: x"),
    "hole": (header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"\0" * 2), "has a tensor whose bytes do not follow those of the one before"),
    "overlap": (header(b'{"a":' + F32 + b',"b":' + F32 + b"}", b"\0" * 4), "has a tensor whose bytes do not follow those of the one before"),
    "backwards": (header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}', b"\0"), "has a tensor whose bytes do not follow those of the one before"),
    "size": (header(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', b"\0" * 4), "has a tensor of shape [2] and dtype F32 in 4 bytes"),
    "product": (header(b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'),
                "has a tensor of shape [4294967296, 4294967296] and dtype F32 in 0 bytes"),
    "dtype": (header(b'{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4), "has a tensor of unknown dtype f32"),
    "f6": (header(b'{"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}}', b"\0" * 3), "has a tensor of dtype F6_E2M3, which PyTorch does not have"),
    "odd f4": (header(b'{"a":{"dtype":"F4","shape":[2,1],"data_offsets":[0,1]}}', b"\0"), "has a tensor of dtype F4 whose last dimension is not even: shape [2, 1]"),
    "float": (header(b'{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', b"\0" * 4), "has a number in its header that is not an integer"),
    "minus": (header(b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"\0" * 4), "has a negative number in its header"),
    "three": (header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', b"\0" * 4), "has too many numbers for a"),
    "one": (header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', b"\0" * 4), "lacks dtype, shape or data_offsets of tensor a"),
    "metadata": (header(b'{"__metadata__":{"a":1}}'), "has an unexpected number in its header"),
    "deep": (header(b'{"a":{"dtype":{"c":{}}}}'), "has a header that is nested too deep"),
    "brackets": (header(b'{"a":' + b"[" * 100000), "has an unexpected list in its header"),
    "text": (header(b"{hello}"), "has a header that is not JSON at byte 2"),
    "utf-8": (header(b'{"\xff":' + F32 + b"}", b"\0" * 4), "has a safetensors header that is not UTF-8"),
}  # fmt: skip


def legacy(pickles, tail=b""):
    return b"".join(pickles) + tail


LEGACY = {
    "version": (legacy([MAGIC, PROTO + b"K\x01."]), "Invalid protocol version: 1"),
    "unknown key": (legacy([MAGIC, VERSION, SIZES, OLD, KEYS.replace(b"\x00\x000", b"\x00\x001")]), "storage key '1' not found in deserialized_objects"),
    "no keys": (legacy([MAGIC, VERSION, SIZES, OLD, PROTO + b"]."]), "names a storage whose bytes it does not hold"),
    "keys twice": (legacy([MAGIC, VERSION, SIZES, OLD, PROTO + b"](X\x01\x00\x00\x000X\x01\x00\x00\x000e."]), "lists storage key '0' twice"),
    "cut": (legacy([MAGIC, VERSION, SIZES, OLD, KEYS], DATA[:-3]), "is cut off: 3 bytes are missing"),
    "behind": (legacy([MAGIC, VERSION, SIZES, OLD, KEYS], DATA + b"xy"), "has 2 bytes behind its last storage"),
    "count": (legacy([MAGIC, VERSION, SIZES, OLD, KEYS], struct.pack("<q", 5) + b"\0" * 16), "says that a storage has 5 elements, but its pickle says 4"),
    "global": (legacy([MAGIC, VERSION, SIZES, PROTO + b"cposix\nsystem\n."]), blocked("posix.system")),
    "view outside": (legacy([MAGIC, VERSION, SIZES, tensor(storage=STORAGE.replace(b"K\x04t", b"K\x04(X\x01\x00\x00\x00vK\x03K\x02tt"))]),
                     "has a storage view that reaches outside its storage"),
}  # fmt: skip


def main(directory):
    os.makedirs(directory, exist_ok=True)
    expected = {}

    def path(kind, name):
        return os.path.join(directory, f"{kind}.{name.replace(' ', '_')}")

    for name, (pickle, sentence) in PICKLES.items():
        file = path("pickle", name)
        archive(file, pickle)
        expected[os.path.basename(file)] = words(pickle) if sentence is None else sentence
    for kind, table in (("zip", ARCHIVES), ("file", NOT_CHECKPOINTS), ("safetensors", SAFETENSORS), ("legacy", LEGACY)):
        for name, (data, sentence) in table.items():
            with open(path(kind, name), "wb") as file:
                file.write(data)
            expected[f"{kind}.{name.replace(' ', '_')}"] = sentence
    with open(os.path.join(directory, "right.zip"), "wb") as file:
        file.write(raw_zip(good()))
    packed = good(data_pkl={"method": 8, "stored": deflate(tensor())}, data_0={"method": 8, "stored": deflate(PAYLOAD)})
    with open(os.path.join(directory, "deflated.zip"), "wb") as file:
        file.write(raw_zip(packed))
    with open(os.path.join(directory, "right.safetensors"), "wb") as file:
        file.write(header(b'{"__metadata__":{"a":"b"},"a":' + F32 + b"}", b"\0\1\2\3"))
    model = {"weight": torch.arange(4.0), "step": 3}
    torch.save(model, os.path.join(directory, "torch.zip"))
    with open(os.path.join(directory, "right.legacy"), "wb") as file:
        file.write(legacy([MAGIC, VERSION, SIZES, OLD, KEYS], DATA))
    with open(os.path.join(directory, "expected.json"), "w") as file:
        json.dump(expected, file)
    with open(os.path.join(directory, "allowed.json"), "w") as file:
        json.dump(sorted(_get_allowed_globals()), file)


if __name__ == "__main__":
    main(sys.argv[1])
