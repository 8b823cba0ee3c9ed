"""Writes the load_state_dict cases: for each a module, a checkpoint, options, and what PyTorch itself does with them.

    python make_cases.py DIR
"""
import collections
import hashlib
import json
import pathlib
import sys
import warnings

import torch
from torch import nn

from modules import DTYPES, FACTORIES, FLOAT4, make, values

OrderedDict = collections.OrderedDict


def digest(tensor):
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return hashlib.sha256(tensor.view(torch.uint8).numpy().tobytes()).hexdigest()


def describe(tensor):
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "stride": list(tensor.stride()),
        "requires_grad": tensor.requires_grad,
        "sha256": None if tensor.is_meta else digest(tensor),
    }


class Cases:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.records = []

    def add(self, name, factory, saved, key="", strict=True, assign=False, prefix="", zip=True):
        file = f"{len(self.records):03}.pth"
        torch.save(saved, self.directory / file, _use_new_zipfile_serialization=zip)
        record = {"name": name, "factory": factory, "file": file, "key": key, "strict": strict, "assign": assign,
                  "prefix": prefix, "error": "", "exception": "", "missing": [], "unexpected": [], "warnings": [],
                  "parameters": {}, "buffers": {}}
        module = make(factory)
        state_dict = torch.load(self.directory / file, weights_only=True)
        for part in filter(None, key.split("/")):
            state_dict = state_dict[part]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if prefix:
                    nn.modules.utils.consume_prefix_in_state_dict_if_present(state_dict, prefix)
                result = module.load_state_dict(state_dict, strict=strict, assign=assign)
                record["missing"], record["unexpected"] = result.missing_keys, result.unexpected_keys
            except (RuntimeError, TypeError, AttributeError) as error:
                record["error"], record["exception"] = str(error), type(error).__name__
        texts = [str(w.message).split(" (Triggered internally")[0] for w in caught]
        record["warnings"] = [t for t in dict.fromkeys(texts) if not t.startswith(("ComplexHalf support", "BComplex32 support"))]
        if not record["error"]:
            record["parameters"] = {n: describe(p) for n, p in module.named_parameters(remove_duplicate=False)}
            record["buffers"] = {n: describe(b) for n, b in module.named_buffers(remove_duplicate=False)}
        self.records.append(record)


def state_of(factory, factor=2.0):
    """The module's state dict, with other values than the module itself has."""
    state = make(factory).state_dict()
    for key, tensor in state.items():
        state[key] = values(tensor.dtype, tensor.shape, 1.0 if tensor.dtype == torch.bool else factor)
    return state


def plain(state):
    return dict(state)


def without(state, *keys):
    for key in keys:
        del state[key]
    return state


def with_(state, **entries):
    for key, value in entries.items():
        state[key.replace("__", ".")] = value
    return state


def with_version(state, path, version):
    if version is None:
        del state._metadata[path]
    else:
        state._metadata[path] = {"version": version}
    return state


def add_keys(cases):
    for factory in FACTORIES:
        if factory in ("meta", "float4", "strided"):
            continue
        cases.add(f"{factory}: its own state", factory, state_of(factory))
        cases.add(f"{factory}: assigned", factory, state_of(factory), assign=True)
        cases.add(f"{factory}: plain dict, legacy file", factory, plain(state_of(factory)), zip=factory == "dtypes")
        cases.add(f"{factory}: nothing", factory, OrderedDict())
        cases.add(f"{factory}: nothing, not strict", factory, OrderedDict(), strict=False)
    net = lambda: state_of("net")
    cases.add("wrong names", "linear", {"w": torch.zeros(2, 3), "b": torch.zeros(2)})
    cases.add("wrong names, not strict", "linear", {"w": torch.zeros(2, 3), "b": torch.zeros(2)}, strict=False)
    cases.add("wrong shapes", "linear", {"weight": torch.zeros(3, 4), "bias": torch.zeros(())})
    cases.add("wrong shapes, not strict", "linear", {"weight": torch.zeros(3, 4), "bias": torch.zeros(1)}, strict=False)
    cases.add("wrong shapes, assigned", "linear", {"weight": torch.zeros(3, 4), "bias": torch.zeros(1)}, assign=True)
    cases.add("same count, other shape", "linear", {"weight": torch.zeros(3, 2), "bias": torch.zeros(2)})
    cases.add("everything wrong at once", "net", with_(
        without(net(), "conv.bias", "bn.running_mean"), zzz=torch.zeros(1), fc__weight=torch.zeros(5, 5), fc__extra=1,
        fc__weight__sub=2, conv__a__b=3, blocks__7__weight=torch.zeros(1), bn__bias=[1, 2], **{"": torch.zeros(1)}))
    cases.add("everything wrong, not strict", "net", with_(
        without(net(), "conv.bias"), zzz=torch.zeros(1), fc__extra=1, conv__a__b=3), strict=False)
    cases.add("keys that end or begin with a dot", "net", with_(net(), conv__=1, __weight=2, fc____x=3))
    cases.add("layers of another index", "sequential", OrderedDict(
        [("0.weight", torch.zeros(4, 3)), ("0.bias", torch.zeros(4)), ("1.weight", torch.zeros(2, 4)), ("1.bias", torch.zeros(2))]))
    cases.add("a longer sequential", "sequential", with_(state_of("sequential"), **{"3.weight": torch.zeros(1)}))
    cases.add("quotes and controls in a key", "linear", with_(state_of("linear"), **{'a"b\n\'c': 1, "ä": 2}))
    cases.add("extra state", "net", with_(net(), _extra_state=torch.zeros(1), fc___extra_state={"a": 1}))
    cases.add("extra state, not strict", "net", with_(net(), fc___extra_state=1, zz=1), strict=False)
    cases.add("order of the file kept", "net", OrderedDict(reversed([(f"u{i}", 1) for i in range(5)] + list(net().items()))))
    prefixed = lambda: OrderedDict((f"module.{k}", v) for k, v in net().items())
    cases.add("prefix left on", "net", prefixed())
    cases.add("prefix removed", "net", prefixed(), prefix="module.")
    cases.add("prefix of part of the keys", "linear", {"weight": torch.zeros(2, 3), "module.bias": torch.ones(2), "module.x": 1},
              prefix="module.")
    parallel = nn.Sequential(OrderedDict(module=make("net")))
    cases.add("prefix in the metadata", "net", parallel.state_dict(), prefix="module.")
    old = with_version(parallel.state_dict(), "module.bn", 1)
    cases.add("prefix in old metadata", "net", without(old, "module.bn.num_batches_tracked"), prefix="module.")
    for strict in (True, False):
        cases.add(f"under a None child, strict={strict}", "none child",
                  with_(state_of("none child"), head__weight=torch.zeros(2), head__a__b=1, header__x=1), strict=strict)
    cases.add("a None child's own name", "none child", with_(state_of("none child"), head=torch.zeros(1)))
    cases.add("None parameter and buffers", "buffers", with_(
        state_of("buffers"), bias=torch.zeros(2), nothing=torch.zeros(1), transient=torch.zeros(3)))
    cases.add("bias where there is none", "linear without bias", state_of("linear"))
    cases.add("shared child, one name", "shared child", without(state_of("shared child"), "second.weight"))


def add_places(cases):
    cases.add("nested", "linear", {"epoch": 3, "model": state_of("linear")}, key="model")
    for value in ([1], (1,), 3, "text", None, 1.5, torch.zeros(2), b"bytes", {1}, True, torch.Size([1])):
        cases.add(f"not dict-like: {value!r}", "linear", value)
    cases.add("a list inside", "linear", {"model": [1]}, key="model")
    for key in (0, 1.5, None, (1, 2), True, b"x"):
        cases.add(f"a key that is not text: {key!r}", "linear", {**state_of("linear"), key: 1})
        cases.add(f"a key that is not text, prefix: {key!r}", "linear", {**state_of("linear"), key: 1}, prefix="module.")
    for version in (None, 0, 1, 2, 3, 1.5, True):
        for factory, path in (("batch norm", ""), ("net", "bn"), ("norms", "tracking"), ("norms", "batch")):
            state = with_version(state_of(factory), path, version)
            counter = f"{path}.num_batches_tracked".lstrip(".")
            cases.add(f"{factory} {path} version {version}: no counter", factory, without(state, counter))
            cases.add(f"{factory} {path} version {version}: no counter, assigned", factory, state, assign=True)
    cases.add("no metadata: no counters", "net", without(plain(state_of("net")), "bn.num_batches_tracked",
                                                         "blocks.1.num_batches_tracked"))
    weird = state_of("batch norm")
    weird._metadata[""] = {"version": "2"}
    cases.add("a version that is text", "batch norm", weird)
    weird = state_of("batch norm")
    weird._metadata[""] = [1]
    cases.add("local metadata that is a list", "batch norm", weird)
    weird = state_of("batch norm")
    weird._metadata = 3
    cases.add("metadata that is a number", "batch norm", weird)
    for version in (None, 1, 2):
        for names in (["running_mean"], ["running_mean", "running_var"], ["running_var", "other"]):
            state = state_of("instance norm")
            with_version(state, "", version)
            cases.add(f"instance norm statistics {names} version {version}", "instance norm",
                      with_(state, **{n: torch.zeros(3) for n in names}))
            state = with_version(state_of("norms"), "plain", version)
            cases.add(f"nested instance norm statistics {names} version {version}", "norms",
                      with_(state, **{f"plain.{n}": torch.zeros(3) for n in names}), strict=False)


def add_values(cases):
    for value in ([1.0], (1,), {"a": 1}, None, "x", 1, 1.5, True, b"x", bytearray(b"x"), {1}, 1j, 2**80, torch.float32,
                  torch.device("cpu"), torch.Size([2]), OrderedDict(), collections.Counter("aab")):
        for assign in (False, True):
            cases.add(f"a {type(value).__name__} for a parameter, assign={assign}", "linear",
                      {"weight": torch.ones(2, 3), "bias": value}, assign=assign, strict=not assign)
    numbers = torch.tensor([0.0, 1.0, 3.7, 2.5, 100.3], dtype=torch.float64)
    for source in DTYPES:
        tensor = numbers.to(getattr(torch, source))
        cases.add(f"{source} into every dtype", "dtypes", {f"to_{n}": tensor for n in DTYPES})
        cases.add(f"{source} assigned to every dtype", "dtypes", {f"to_{n}": tensor for n in DTYPES}, assign=True)
        cases.add(f"{source} into float4", "float4", {f"to_{FLOAT4}": tensor})
        cases.add(f"empty {source} into scalars", "scalars",
                  {"scale": tensor[2], "count": tensor[2:3], "empty": torch.zeros(0, 3, dtype=tensor.dtype)})
        cases.add(f"{source} assigned to parameters", "frozen", {
            "free": values(tensor.dtype, (2, 3)), "frozen": values(tensor.dtype, (2, 3)), "counts": values(tensor.dtype, (4,)),
            "buffer": values(tensor.dtype, (2, 3))}, assign=True)
    float4 = values(torch.float4_e2m1fn_x2, (5,))
    cases.add("float4 into every dtype", "dtypes", {f"to_{n}": float4 for n in DTYPES})
    cases.add("float4 into float4", "float4", {f"to_{FLOAT4}": float4})
    cases.add("float4 assigned", "dtypes", {f"to_{n}": float4 for n in DTYPES}, assign=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental
        bcomplex = numbers.to(torch.bcomplex32)
    cases.add("bcomplex32 into every dtype", "dtypes", {f"to_{n}": bcomplex for n in DTYPES})
    for target in DTYPES:
        cases.add(f"bcomplex32 into {target}", "dtypes", {f"to_{target}": bcomplex}, strict=False)
    cases.add("bcomplex32 assigned", "dtypes", {f"to_{n}": bcomplex for n in DTYPES}, assign=True)
    cases.add("bcomplex32 assigned to parameters", "frozen", {
        "free": values(torch.bcomplex32, (2, 3)), "frozen": values(torch.bcomplex32, (2, 3)),
        "counts": values(torch.bcomplex32, (4,)), "buffer": values(torch.bcomplex32, (2, 3))}, assign=True)
    cases.add("negative numbers", "dtypes", {f"to_{n}": torch.tensor([-1.0, -3.7, 0, 1, 2]) for n in DTYPES if n[0] in "ifbc"}, strict=False)
    for shape in ((1,), (), (1, 1), (2,), (0,)):
        for assign in (False, True):
            cases.add(f"{shape} into 0-dim, assign={assign}", "scalars", {
                "scale": torch.full(shape, 2.5), "count": torch.full(shape, 7), "empty": torch.zeros(0, 3)}, assign=assign)
    base = torch.arange(30.0)
    views = {
        "transposed": base[:6].view(3, 2).t(), "strided": base[:24].view(4, 6)[::2, ::2], "expanded": base[1:2].expand(2, 3),
        "sliced": base.view(5, 6)[2:4, 1:4], "row repeated": base[:3].expand(2, 3), "flipped copy": base[:6].view(2, 3).flip(0),
        "conjugated": torch.complex(base[:6], base[6:12]).view(2, 3).conj(), "negative": torch.complex(base[:6], base[6:12]).conj().imag.view(2, 3),
    }
    for name, view in views.items():
        for assign in (False, True):
            cases.add(f"{name} source, assign={assign}", "linear", {"weight": view, "bias": base[4:6]}, assign=assign)
            cases.add(f"{name} source into a frozen module, assign={assign}", "frozen",
                      {"free": view, "frozen": view, "counts": torch.arange(4), "buffer": view}, assign=assign)
    cases.add("transposed target", "strided", {"transposed": torch.arange(6.0).view(2, 3)}, strict=False)
    cases.add("transposed target and source", "strided", {"transposed": torch.arange(6.0).view(3, 2).t()}, strict=False)
    cases.add("transposed target, other dtype", "strided", {"transposed": torch.arange(6).view(2, 3)}, strict=False)
    cases.add("expanded target", "strided", {"transposed": torch.zeros(2, 3), "expanded": torch.zeros(3)})
    cases.add("expanded target, assigned", "strided", {"transposed": torch.zeros(2, 3), "expanded": torch.arange(3.0)}, assign=True)
    for dtype in (torch.float32, torch.int64, torch.bfloat16):
        other = {"a.weight": torch.ones(3, 2, dtype=dtype), "b.weight": torch.full((3, 2), 2, dtype=dtype)}
        cases.add(f"tied, two values, {dtype}", "tied", other)
        cases.add(f"tied, two values the other way, {dtype}", "tied", dict(reversed(other.items())))
    cases.add("tied, one key", "tied", {"a.weight": torch.ones(3, 2)})
    cases.add("tied, one shape wrong", "tied", {"a.weight": torch.ones(3, 2), "b.weight": torch.ones(2, 2)})
    for flag in (True, False):
        kept = {"free": nn.Parameter(torch.ones(2, 3), requires_grad=flag), "frozen": nn.Parameter(torch.ones(2, 3), requires_grad=flag),
                "counts": nn.Parameter(torch.arange(4), requires_grad=False), "buffer": torch.ones(2, 3, requires_grad=flag)}
        for assign in (False, True):
            cases.add(f"Parameters with requires_grad={flag}, assign={assign}", "frozen", kept, assign=assign)
    cases.add("an integer Parameter for one with a gradient", "frozen", {
        "free": nn.Parameter(torch.ones(2, 3, dtype=torch.int64), requires_grad=False)}, strict=False, assign=True)
    cases.add("meta module", "meta", state_of_meta())
    cases.add("meta module, one missing", "meta", without(state_of_meta(), "fc.bias"), strict=False)


def state_of_meta():
    return OrderedDict((k, values(torch.float32, v.shape, 3.0)) for k, v in make("meta").state_dict().items())


def add_other_layouts(cases):
    eye = torch.eye(3)[:2]
    sources = {dtype: eye.to(getattr(torch, dtype)).to_sparse() for dtype in
               ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64")}
    sources["csr"] = eye.to_sparse_csr()
    sources["csc"] = eye.to_sparse_csc()
    sources["quantised"] = torch.quantize_per_tensor(eye, 0.1, 0, torch.quint8)
    sources["quantised by channel"] = torch.quantize_per_channel(eye, torch.ones(2), torch.zeros(2), 0, torch.qint8)
    sources["meta"] = torch.zeros(2, 3, device="meta")
    for name, tensor in sources.items():
        cases.add(f"{name} sparse or other source", "linear", {"weight": tensor, "bias": torch.zeros(2)})
        cases.add(f"{name} source of another shape", "sequential", {"0.weight": tensor}, strict=False)
    for target in ("int64", "uint8", "float16", "bfloat16", "bool", "complex64", "uint16", "float8_e5m2"):
        cases.add(f"sparse source into {target}", "dtypes", {f"to_{target}": torch.eye(5)[0].to_sparse()}, strict=False)


def write_files(directory):
    """What apply_test.cc and report_test.cc load: more than one window of 64 MiB, tensors that share a storage, a small view of a large one."""
    million = 1 << 20
    large = OrderedDict((f"w{i}", (torch.arange(6 * million) % 251 + i).float()) for i in range(3))
    torch.save(large, directory / "large.pth")
    flat = torch.arange(1024.0)
    torch.save({"a.weight": flat[:6].view(3, 2), "b.weight": flat[3:9].view(3, 2)}, directory / "overlapping.pth")
    torch.save({"a.weight": torch.arange(float(million))[512:518].view(3, 2)}, directory / "part.pth")
    report = without(state_of("net"), "conv.bias", "bn.num_batches_tracked")
    report = with_(with_version(report, "bn", 1), extra=1, bn__running_var=torch.ones(9))
    report["conv.weight"] = report["conv.weight"].double()
    torch.save(report, directory / "report.pth")
    torch.save({"model": {"state.dict": [state_of("linear")]}, "epoch": 3}, directory / "nested.pth")


def main():
    warnings.simplefilter("ignore")
    torch.set_warn_always(True)
    cases = Cases(sys.argv[1])
    add_keys(cases)
    add_places(cases)
    add_values(cases)
    add_other_layouts(cases)
    write_files(cases.directory)
    (cases.directory / "cases.json").write_text(json.dumps(cases.records, indent=1))
    print(f"{len(cases.records)} cases, {sum(bool(r['error']) for r in cases.records)} of them refused")


if __name__ == "__main__":
    main()
