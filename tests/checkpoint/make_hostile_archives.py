"""Writes TorchScript and torch.export archives and pickled modules that must be refused, and the sentence for each.

    python make_hostile_archives.py DIRECTORY

DIRECTORY/expected.json: {file: [sentence, whether it is read as opaque]}; right.*: small files that are read.
"""

import io
import json
import os
import sys

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile_parts import HOOKS, MAGIC, PROTO, SIZES, STORAGE, V2, VERSION, blocked, deflate, forbidden, raw_zip, record, text  # noqa: E402

TENSOR = V2 + STORAGE + b"K\0K\4\x85K\1\x85\x89" + HOOKS + b"tR"
SOURCE = b'class M(Module):\n  __parameters__ = ["w", ]\n  __buffers__ = []\n  w : Tensor\n  def forward(self):\n    return 1\n'
EMPTY = SOURCE.replace(b'["w", ]', b"[]")


def module(*attributes, name="M"):
    """An object of class __torch__.NAME with the given attributes."""
    return b"c__torch__\n" + name.encode() + b"\n)\x81}(" + b"".join(text(k) + v for k, v in attributes) + b"ub"


def script(pickle=None, source=SOURCE, **fields):
    content = {"data.pkl": PROTO + (pickle or module(("w", TENSOR))) + b".", "code/__torch__.py": source, "constants.pkl": b"\x80\2).",
               "data/0": b"\0\1\2\3" * 4, "version": b"3\n"}  # fmt: skip
    return raw_zip([record(n, d, **fields.get(n.replace(".", "_").replace("/", "_"), {})) for n, d in content.items() if d is not None])


def shared(levels):
    """Modules that each hold the next one twice."""
    pickle = module(("w", TENSOR)) + b"q\0"
    for _ in range(levels):
        pickle += b"0c__torch__\nM\n)\x81}(" + text("a") + b"h\0" + text("b") + b"h\0ubq\0"
    return pickle


SCRIPTS = {
    "no class": (script(module(("w", TENSOR), name="X")), "names class __torch__.X, which its source does not define"),
    "no source": (script(source=None), "lacks the source of class __torch__.M"),
    "list": (script(source=SOURCE.replace(b'"w", ]', b'"w", ')), "has a list of parameters or buffers that is malformed"),
    "quote": (script(source=SOURCE.replace(b'"w", ]', b'"w, ]')), "has a list of parameters or buffers that is malformed"),
    "not a list": (script(source=SOURCE.replace(b'["w", ]', b"exit()")), "has a list of parameters or buffers that is malformed"),
    "no list": (script(source=SOURCE.replace(b"__parameters__", b"__p_rameters__")), "defines module class __torch__.M without its list of parameters"),
    "list of nothing": (script(source=SOURCE.replace(b"__buffers__ =", b"__buffers__ =0")), "has a list of parameters or buffers that is malformed"),
    "list of a list": (script(source=SOURCE.replace(b'["w", ]', b'["w", ]["w"]')), "has a list of parameters or buffers that is malformed"),
    "class twice": (script(source=SOURCE + SOURCE), "defines class __torch__.M twice"),
    "no module": (script(b"}"), "is a TorchScript archive whose data.pkl holds no module"),
    "plain class": (script(source=SOURCE.replace(b"(Module)", b"")), "is a TorchScript archive whose data.pkl holds no module"),
    "inside itself": (script(b"c__torch__\nM\n)\x81q\0}" + text("m") + b"h\0sb", source=EMPTY), "has a module that contains itself"),
    "often": (script(shared(40), source=EMPTY), "has modules that hold each other so often or so deep that their names cannot be listed"),
    "no parameter": (script(b"c__torch__\nM\n)\x81}b"), "has a module without a parameter that its class lists"),
    "number as name": (script(b"c__torch__\nM\n)\x81}K\1Nsb"), "has a module with an attribute whose name is not a string"),
    "posix": (script(b"cposix\nsystem\n" + text("true") + b"\x85R"), blocked("posix.system")),
    "eval": (script(b"cbuiltins\neval\n"), blocked("builtins.eval")),
    "NUL": (script(module(name="M\0N")), "names a class with a NUL byte"),
    "tag without value": (script(b"ctorch.jit._pickle\nrestore_type_tag\n)R"), "calls torch.jit._pickle.restore_type_tag with arguments that it does not take"),
    "outside": (script(module(("w", TENSOR.replace(b"K\4\x85K\1", b"K\5\x85K\1")))),
                "has a tensor that reaches outside its storage: shape [5], stride [1], offset 0, float32, in 16 bytes"),
    "no record": (script(data_0={}).replace(b"a/data/0", b"a/data/1"), "lacks a record that its pickle names"),
    "source damaged": (script(code___torch___py={"crc": 1, "local_crc": 1}), "has bytes that do not match their CRC-32: the file is damaged"),
    "source bomb": (script(source=b" " * 2**27, code___torch___py={"method": 8, "stored": deflate(b" " * 2**27)}), "has a source file of more than 64 MiB"),
    "no data.pkl": (raw_zip([record("constants.pkl", b"\x80\2)."), record("version", b"3\n")]),
                    "is a zip archive, but not one that torch.save wrote: it has no data.pkl"),
    "version": (raw_zip([record("constants.pkl", b""), record("data.pkl", b""), record("version", b"11\n")]),
                "Attempted to read a PyTorch file with version 11, but the maximum supported version for reading is 10."),
}  # fmt: skip

META = {"dtype": 7, "sizes": [{"as_int": 4}], "requires_grad": False, "device": {"type": "cpu", "index": None}, "strides": [{"as_int": 1}],
        "storage_offset": {"as_int": 0}, "layout": 7}  # fmt: skip
ENTRY = {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": META}


def export(config, weight=b"\0\1\2\3" * 4, extra=(), **fields):
    config = config if isinstance(config, bytes) else json.dumps(config).encode()
    content = {"data/weights/weight_0": weight, "data/weights/model_weights_config.json": config, "archive_format": b"pt2", "archive_version": b"0",
               "byteorder": b"little", ".data/version": b"6\n", **dict(extra)}  # fmt: skip
    return raw_zip([record(n, d, **fields.get(n.split("/")[-1].split(".")[0], {})) for n, d in content.items() if d is not None])


def entry(**change):
    return export({"config": {"w": {**ENTRY, **change}}})


def meta(**change):
    return entry(tensor_meta={**META, **change})


def saved(value):
    data = io.BytesIO()
    torch.save(value, data)
    return data.getvalue()


def pickled(weight, **fields):
    return export({"config": {"w": {**ENTRY, "use_pickle": True}}}, weight, **fields)


def without(table, name):
    return {k: v for k, v in table.items() if k != name}


IN_16 = ", float32, in 16 bytes"
EXPORTS = {
    "text": (export(b"hello"), "has a list of weights that is not a JSON object"),
    "array": (export(b"[]"), "has a list of weights that is not a JSON object"),
    "cut": (export(b'{"config": {'), "has a list of weights that is not a JSON object"),
    "utf-8": (export(b'{"config": {"\xff": 1}}'), "has a list of weights that is not UTF-8"),
    "no config": (export({}), 'has a list of weights that lacks "config"'),
    "config list": (export({"config": []}), 'has a list of weights whose "config" is not an object'),
    "nul behind": (export(b'{"config": {}}\0{'), "has a list of weights that is not a JSON object"),
    "twice": (export(b'{"config": {"w": ' + json.dumps(ENTRY).encode() + b', "w": ' + json.dumps(ENTRY).encode() + b"}}"), "names w twice in its list of weights"),
    "deep": (export(b'{"config": ' + b"[" * 100000 + b"]" * 100000 + b"}"), "has a list of weights that is nested too deep"),
    "many names": (export(b'{"config": {' + b",".join(b'"%d": 1' % i for i in range(400_000)) + b"}}"), 'has a list of weights that lacks "path_name"'),
    "entry": (export({"config": {"w": 1}}), 'has a list of weights that lacks "path_name"'),
    "path number": (entry(path_name=1), 'has a list of weights whose "path_name" is not a text'),
    "param number": (entry(is_param=1), 'has a list of weights whose "is_param" is not a bool'),
    "no meta": (entry(tensor_meta=None), 'has a list of weights that lacks "dtype"'),
    "no sizes": (entry(tensor_meta=without(META, "sizes")), 'has a list of weights that lacks "sizes"'),
    "dtype": (meta(dtype=99), "has a weight of the unknown dtype 99: w"),
    "dtype text": (meta(dtype="float"), 'has a list of weights whose "dtype" is not an integer'),
    "sparse": (meta(layout=1), "has a weight that is not dense: w"),
    "symbolic": (meta(sizes=[{"as_expr": {"expr_str": "s0", "hint": None}}]), 'has a weight whose "sizes" is symbolic, not a number'),
    "size float": (meta(sizes=[{"as_int": 4.0}]), 'has a list of weights whose "sizes" is not an integer'),
    "size huge": (meta(sizes=[{"as_int": 2**63}]), 'has a list of weights whose "sizes" is not an integer'),
    "size negative": (meta(sizes=[{"as_int": -4}]), "has a tensor with a negative size, stride or offset: shape [-4], stride [1], offset 0"),
    "size outside": (meta(sizes=[{"as_int": 5}]), "has a tensor that reaches outside its storage: shape [5], stride [1], offset 0" + IN_16),
    "offset outside": (meta(storage_offset={"as_int": 1}), "has a tensor that reaches outside its storage: shape [4], stride [1], offset 1" + IN_16),
    "stride overflow": (meta(strides=[{"as_int": 2**62}]), f"has a tensor that reaches outside its storage: shape [4], stride [{2**62}], offset 0" + IN_16),
    "rank": (meta(strides=[]), "has a tensor with 1 sizes and 0 strides"),
    "rank 65": (meta(sizes=[{"as_int": 1}] * 65, strides=[{"as_int": 1}] * 65), "has a tensor of more than 64 dimensions"),
    "record missing": (entry(path_name="weight_9"), "lacks a record that its list of weights names"),
    "record outside": (entry(path_name="../../archive_format"), "lacks a record that its list of weights names"),
    "format": (export({"config": {}}, extra={"archive_format": b"pt3"}), "has the unknown archive format pt3"),
    "version": (export({"config": {}}, extra={"archive_version": b"1"}), "has a torch.export archive of version 1; 0 is read"),
    "no list": (export({}, extra={"data/weights/model_weights_config.json": None}), "is a torch.export archive without a list of weights"),
    "old weights": (export({}, extra={"data/weights/model_weights_config.json": None, "data/weights/model.pt": b""}),
                    "is a torch.export archive with pickled weights, as PyTorch 2.8 wrote it: load it with torch.export.load and save its "
                    "state_dict with torch.save"),
    "sealed": (export({}, extra={"data/weights/model_weights_config.json": None, "data/aotinductor/model/x.so": b""}),
               "is an AOTInductor package that holds its weights inside its compiled library: run it with AOTIModelPackageLoader, or load the "
               "checkpoint that it was made from"),
    "large list": (export(b" " * 2**26, model_weights_config={"method": 8, "stored": deflate(b" " * 2**26)}), "has a list of weights of more than 32 MiB"),
    "list damaged": (export({"config": {}}, model_weights_config={"crc": 1, "local_crc": 1}), "has bytes that do not match their CRC-32: the file is damaged"),
    "pickled junk": (pickled(b"junk"), "is a zip archive without its directory, which stands at the end: the file is cut off (was the download or the "
                     "copy complete?)"),
    "pickled dict": (pickled(saved({})), "has a pickled weight that is not a dense tensor of the archive's byte order"),
    "pickled code": (pickled(saved(torch.nn.Linear)), forbidden("torch.nn.modules.linear.Linear")),
    "pickled deflated": (pickled(b"x" * 99, weight_0={"method": 8, "stored": deflate(b"x" * 99)}), "has a pickled weight in a compressed record"),
    "inductor entry": (export({}, extra={"data/weights/model_weights_config.json": None, "data/aotinductor/m/weights_config.json": b'{"w": ["weight_0", [4]]}'}),
                       "has a list of weights whose entry is not [file, shape, stride, offset]"),
}  # fmt: skip


def zipped(pickle):
    return raw_zip([record("data.pkl", PROTO + pickle + b"."), record("data/0", b"\0" * 16), record("version", b"3\n")])


def whole(*modules):
    """A pickled module with the given submodules."""
    return (b"ca.b\nNet\n)\x81q\1}(" + text("_parameters") + b"}" + text("_buffers") + b"}" + text("_modules") + b"}("
            + b"".join(text(k) + v for k, v in modules) + b"uub")  # fmt: skip


def nested_whole(levels):
    pickle = whole() + b"q\0"
    for _ in range(levels):
        pickle += b"0" + whole(("a", b"h\0"), ("b", b"h\0")) + b"q\0"
    return pickle


OPAQUE = {
    "posix": (zipped(b"cposix\nsystem\n" + text("true") + b"\x85R"), blocked("posix.system")),
    "os": (zipped(b"cos\nsystem\n"), blocked("os.system")),
    "nt": (zipped(b"cnt\nsystem\n"), blocked("nt.system")),
    "sys": (zipped(b"csys\nexit\n"), blocked("sys.exit")),
    "eval": (zipped(b"c__builtin__\neval\n" + text("1") + b"\x85R"), blocked("builtins.eval")),
    "exec": (zipped(b"cbuiltins\nexec\n"), blocked("builtins.exec")),
    "import": (zipped(b"cbuiltins\n__import__\n"), blocked("builtins.__import__")),
    "subprocess": (zipped(b"csubprocess\nPopen\n"), blocked("subprocess.Popen")),
    "stack global": (zipped(text("posix") + text("system") + b"\x93"), blocked("posix.system")),
    "call of an object": (zipped(b"ca\nf\n)R)R"), "Trying to call reduce for unrecognized function <class 'a.f'>"),
    "object of an object": (zipped(b"ca\nf\n)R)\x81"), "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got "
                            "<class 'a.f'>"),
    "arguments": (zipped(b"ca\nf\n]R"), "has a call whose arguments are not a tuple"),
    "built twice": (zipped(b"ca\nf\n)R}b}b"), "has an object that is built twice"),
    "build a name": (zipped(b"ca\nf\n}b"), "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got <class 'type'>"),
    "append to dict": (zipped(b"ca\nD\n)\x81" + text("k") + b"NsNa"), "Can only append to lists, but got <class 'a.D'>"),
    "NUL": (zipped(b"ca\nb\0c\n"), "names a class with a NUL byte"),
    "module in itself": (zipped(whole(("a", b"h\1"))), "has a module that contains itself"),
    "often": (zipped(nested_whole(40)), "has modules that hold each other so often or so deep that their names cannot be listed"),
    "module id in zip": (zipped(b"(" + text("module") + b"ca\nb\nNNtQ"), "Only persistent_load of storage is allowed, but got <class 'str'>"),
    "module id": (b"".join([MAGIC, VERSION, SIZES, PROTO + b"(" + text("module") + text("x") + b"NNtQ.", PROTO + b"]."]),
                  "has a persistent id that is not ('module', class, source file, source)"),
}  # fmt: skip
REFUSED = {
    "whole module": (zipped(whole()), forbidden("a.b.Net")),
}  # fmt: skip


def main(directory):
    os.makedirs(directory, exist_ok=True)
    expected = {}

    def write(name, data):
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)

    tables = (("script", SCRIPTS, False), ("export", EXPORTS, False), ("opaque", OPAQUE, True), ("refused", REFUSED, False))
    for kind, table, opaque in tables:
        for name, (data, sentence) in table.items():
            file = f"{kind}.{name.replace(' ', '_')}"
            write(file, data)
            expected[file] = [sentence, opaque]
    write("right.script", script(source=SOURCE, code___torch___py={"method": 8, "stored": deflate(SOURCE)}))
    write("right.export", export({"config": {"w": ENTRY}}))
    write("right.pickled", pickled(saved(torch.arange(4.0))))
    write("right.whole", zipped(b"}" + text("model") + whole(("a", whole()), ("w", whole())) + b"s"))
    write("right.old_whole", b"".join([MAGIC, VERSION, SIZES, PROTO + b"(" + text("module") + b"ca.b\nNet\n" + text("net.py") + text("class Net") + b"tQ)\x81}"
                                       + text("_parameters") + b"}s" + text("_buffers") + b"}s" + text("_modules") + b"}sb.", PROTO + b"]."]))  # fmt: skip
    with open(os.path.join(directory, "expected.json"), "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1])
