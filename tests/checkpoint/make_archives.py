"""Writes TorchScript archives, torch.export archives and whole pickled modules, and what PyTorch makes of each.

    python make_archives.py DIRECTORY [SAVER]

SAVER: the program that saves modules with torch::save of C++. Without it their files are left out. DIRECTORY/expected.json: per file its format, whether it
needs `opaque`, and every tensor of the state dict that PyTorch gives (path, dtype, shape, stride, SHA-256, sharing).
"""

import collections
import functools
import glob
import io
import json
import os
import re
import subprocess
import sys
import types
import typing
import warnings
import zipfile

import torch
from torch import nn
from torch.nn import Parameter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_corpus import describe  # noqa: E402

warnings.filterwarnings("ignore")
SCRIPT_DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64",
    "complex32", "complex64", "complex128", "bcomplex32", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu", "float4_e2m1fn_x2",
]  # fmt: skip
EXPORT_DTYPES = [d for d in SCRIPT_DTYPES if d not in ("bcomplex32", "float4_e2m1fn_x2")]


def of_dtype(name):
    raw = torch.arange(16, dtype=torch.uint8)
    return (raw % 2).view(torch.bool) if name == "bool" else raw.view(getattr(torch, name))


class Dtypes(nn.Module):
    def __init__(self, names):
        super().__init__()
        for name in names:
            if hasattr(torch, name):
                self.register_buffer(f"b_{name}", of_dtype(name))

    def forward(self, x):
        return x + self.b_float32


class Leaf(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = torch.ones(2)
        self.register_buffer("running", torch.arange(3.0))
        self.w = Parameter(torch.arange(6.0).view(2, 3).t())
        self.register_buffer("passing", torch.ones(1), persistent=False)
        self.register_parameter("no_parameter", None)
        self.register_buffer("no_buffer", None)
        self.frozen = Parameter(torch.ones(3).bfloat16(), requires_grad=False)
        self.count, self.names, self.numbers, self.table, self.device = 3, ["a", "b"], [1, 2], {"k": 1.5}, torch.device("cpu")
        self.floats, self.flags, self.pair, self.z = [1.5], [True], (1, "x"), 2j

    def forward(self, x):
        return x + self.plain.sum() + self.w.sum() + self.running.sum() + self.passing


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.z = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
        self.a = Leaf()
        self.b = self.a
        self.tied = nn.Linear(2, 3)
        self.tied.weight = self.z[0].weight
        self.list = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])
        self.dict = nn.ModuleDict({"x": nn.Linear(1, 1)})
        self.halved = nn.Linear(1, 1).half()
        self.parameters_of = nn.ParameterList([Parameter(torch.ones(2))])
        self.absent = None
        self.base = Parameter(torch.arange(12.0))
        self.register_buffer("view", self.base.detach()[3:7])

    def forward(self, x):
        return self.a(self.z(x)) + self.b(x.sum()) + self.tied(x)


class Attributes(nn.Module):
    def __init__(self):
        super().__init__()
        self.values = torch.jit.Attribute({"a": torch.ones(1)}, typing.Dict[str, torch.Tensor])
        self.tensors = torch.jit.Attribute([torch.ones(1)], typing.List[torch.Tensor])
        self.maybe = torch.jit.Attribute(torch.ones(2), typing.Optional[torch.Tensor])
        self.empty = torch.jit.Attribute([], typing.List[int])
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(x) + self.values["a"] + len(self.tensors)


class Constants(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)
        self.register_buffer("passing", torch.arange(3.0), persistent=False)
        self.lifted = torch.arange(3.0)
        self.weight = Parameter(torch.arange(12.0))
        self.register_buffer("part", self.weight.detach()[2:5])
        self.register_buffer("turned", torch.arange(6.0).view(2, 3).t())
        self.register_buffer("nothing", torch.empty(0, 3))

    def forward(self, x):
        return self.fc(x) + self.passing + self.lifted + self.part + self.weight[0] + self.turned[0, 0] + torch.tensor([1.0, 2.0, 3.0])


class Custom(dict):
    pass


class Attributed(dict):
    """Keeps every key as an attribute too, as EasyDict and many a config do."""

    def __init__(self, **items):
        super().__init__(**items)
        self.__dict__.update(items)


class Names(list):
    pass


class Holder:
    pass


def main(directory, saver=None):
    os.makedirs(directory, exist_ok=True)
    expected = {}

    def path(name):
        return os.path.join(directory, name)

    def add(name, form, wanted, opaque=False):
        entry = describe(wanted)
        entry.update(format=form, opaque=opaque)
        expected[name] = entry

    # TorchScript: what torch.jit.load's state_dict gives.
    def script(name, module, rewrite=None):
        module.save(path(name))
        if rewrite:
            with zipfile.ZipFile(path(name)) as old:
                records = {i: old.read(i) for i in old.namelist()}
            with zipfile.ZipFile(path(name), "w") as new:
                for record, data in records.items():
                    new.writestr(record, rewrite(record, data))
        add(name, "torchscript", torch.jit.load(path(name)).state_dict(keep_vars=True))

    torch.manual_seed(0)
    net = Net().eval()
    scripted = torch.jit.script(net)
    script("scripted.pt", scripted)
    script("traced.pt", torch.jit.trace(net, torch.ones(1, 2)))
    script("frozen.pt", torch.jit.freeze(scripted))
    script("attributes.pt", torch.jit.script(Attributes()))
    script("script_dtypes.pt", torch.jit.script(Dtypes(SCRIPT_DTYPES)))
    # Before 1.5 there was no list of buffers.
    script("old.pt", scripted, lambda record, data: re.sub(rb"  __buffers__ = .*\n", b"", data) if record.endswith(".py") else data)
    strange = nn.Module()
    strange.register_parameter('a\u00e4 [\'b], ', Parameter(torch.ones(1)))
    strange.register_buffer("x y", torch.ones(2))
    script("strange.pt", torch.jit.trace(strange_module(strange), torch.ones(1)))
    import torchvision

    resnet = torchvision.models.resnet18(num_classes=3).eval()
    script("resnet18.pt", torch.jit.script(resnet))
    quantized = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), {nn.Linear}, torch.qint8)
    script("quantized.pt", torch.jit.script(quantized))

    # torch::save of C++.
    if saver:
        subprocess.run([saver, directory], check=True)
    for file in sorted(glob.glob(path("*.cpp.pt"))):
        add(os.path.basename(file), "cpp", torch.jit.load(file).state_dict(keep_vars=True))

    # torch.export.
    def export(name, module, example):
        torch.export.save(torch.export.export(module, example), path(name))
        program = torch.export.load(path(name))
        # PyTorch views buffers through the parameter whose memory they share, and so marks them as it is marked.
        add(name, "pt2", collections.OrderedDict((k, v if isinstance(v, Parameter) else v.detach()) for k, v in program.state_dict.items()))
        return program

    program = export("constants.pt2", Constants().eval(), (torch.ones(1, 2),))
    with open(path("constants.json"), "w") as file:
        json.dump(describe({k: v.detach() for k, v in program.constants.items()})["tensors"], file)
    export("export_dtypes.pt2", Dtypes(EXPORT_DTYPES), (torch.ones(4),))
    export("linear.pt2", nn.Linear(10, 2), (torch.ones(1, 10),))
    from torch.export.pt2_archive._package import package_pt2
    from torch.export.pt2_archive._package_weights import TensorProperties, Weights

    two = {"a": torch.export.export(nn.Linear(2, 1), (torch.ones(1, 2),)), "b": torch.export.export(nn.Linear(3, 1), (torch.ones(1, 3),))}
    package_pt2(path("two.pt2"), exported_programs=two)
    add("two.pt2", "pt2", {k: collections.OrderedDict(v.state_dict) for k, v in two.items()})
    # An AOTInductor package with its weights beside the library. The library itself plays no part.
    base = torch.arange(12.0)
    weights = {"fc_weight": base[:6].view(2, 3), "fc_bias": base[6:8], "turned": torch.arange(6).view(2, 3).t()}
    with open(path("model.so"), "wb") as file:
        file.write(b"\x7fELF")
    package_pt2(path("inductor.pt2"), aoti_files={"model": [path("model.so"), Weights({k: (v, TensorProperties(v)) for k, v in weights.items()})]})
    add("inductor.pt2", "pt2", collections.OrderedDict(weights))
    package_pt2(path("sealed.pt2"), aoti_files={"model": [path("model.so")]})

    # Whole modules: what their state_dict gives. Their classes are gone when they are read.
    class_home = types.ModuleType("a_project.models")
    for cls in (Net, Leaf, Constants, Custom, Attributed, Names, Holder):
        cls.__module__ = "a_project.models"
        setattr(class_home, cls.__name__, cls)
    sys.modules["a_project"], sys.modules["a_project.models"] = types.ModuleType("a_project"), class_home
    net = Net().eval()
    net.activation, net.partial, net.method, net.extra = torch.nn.functional.relu, functools.partial(torch.add, alpha=2), net.a.forward, Holder()
    net.extra.inner = nn.Linear(1, 1)
    net.numbers = collections.defaultdict(list, {"x": [1]})
    whole = {
        "net": (net, net.state_dict(keep_vars=True)),
        "dict": ({"model": net, "ema": net.z, "epoch": 3, "best": {"list": [net.tied, torch.ones(2)]}},
                 {"model": net.state_dict(keep_vars=True), "ema": net.z.state_dict(keep_vars=True), "epoch": 3,
                  "best": {"list": [net.tied.state_dict(keep_vars=True), torch.ones(2)]}}),
        "resnet18": (resnet, resnet.state_dict(keep_vars=True)),
        "plain": ({"w": torch.ones(2), "n": 1}, {"w": torch.ones(2), "n": 1}),
    }  # fmt: skip
    for name, (value, wanted) in whole.items():
        for form, zipped in (("zip", True), ("legacy", False)):
            for protocol in (1, 2, 4):
                file = f"whole_{name}.{form}.p{protocol}.pth"
                torch.save(value, path(file), pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
                add(file, form, wanted, opaque=True)
    odd = {"custom": Custom(w=torch.ones(2)), "holder": Holder(), "default": collections.defaultdict(list, w=[torch.zeros(1)])}
    odd["holder"].tensor = torch.arange(3)
    odd["attributed"] = Attributed(w=torch.ones(3), rate=0.5)
    odd["names"] = Names([torch.ones(4), "x"])
    odd["inner"] = Custom(deep=Custom(**{"a.b": torch.ones(5)}))
    torch.save(odd, path("odd_objects.pth"))

    with open(path("expected.json"), "w") as file:
        json.dump(expected, file)


def strange_module(inner):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return x + 1

    return Outer()


if __name__ == "__main__":
    main(*sys.argv[1:])
