"""Writes the checkpoints that training leaves behind, of one model, and what loading each must give.

usage: make_call_files.py FOLDER

FOLDER/cases.json lists for every file the options of loadpath::Load and PyTorch's answer after the same renaming in Python:
the outputs and the keys, or the text of the error.
"""
import copy
import json
import re
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)

    def forward(self, x):
        return self.norm(self.proj(x)).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.encoder = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(6, 3)
        self.register_buffer("scale", torch.full((1,), 0.5), persistent=False)

    def forward(self, tokens):
        x = self.embed(tokens).mean(1)
        for block in self.encoder:
            x = block(x)
        return self.head(x) * self.scale


def trained(seed):
    torch.manual_seed(seed)
    net = Net()
    for _ in range(3):  # running statistics that are not the initial ones
        net(torch.randint(0, 11, (8, 4)))
    return net.eval()


TOKENS = (torch.arange(20) * 7 % 11).view(5, 4)
net, ema = trained(1), trained(2)
state = net.state_dict()


def renamed(rename, base=None):
    return OrderedDict((rename(key), value) for key, value in (base or state).items())


def new_name(key, options):
    """What KeyRules make of a key."""
    parts = key
    for prefix in options.get("prefixes", []):
        parts = re.sub(r"(?:^|(?<=\.))" + re.escape(prefix), "", parts)
    for pattern, replacement in options.get("rename", []):
        parts = re.sub(pattern, lambda m: re.sub(r"\$(\d)", lambda g: m.group(int(g[1])), replacement), parts)
    return parts


CASES = []


def case(name, saved, ending="pth", **options):
    file = f"{name}.{ending}"
    if ending == "safetensors":
        save_file(saved, folder / file)
    else:
        torch.save(saved, folder / file)
    found = saved if isinstance(saved, dict) else saved.state_dict()
    for part in filter(None, options.get("key", "").split(".")):
        # A key path may go on inside the state dict.
        found = found[part] if part in found else {k[len(part) + 1:]: v for k, v in found.items() if k.startswith(part + ".")}
    mapped = OrderedDict((new_name(key, options), value) for key, value in found.items())
    wanted = lambda key: ((not options.get("only") or re.search(options["only"], key))
                          and not (options.get("skip") and re.search(options["skip"], key)))
    fresh = trained(3)  # what is not loaded has this module's values, in C++ too
    torch.save(fresh.state_dict(), folder / "fresh.pth")
    kept = OrderedDict((key, value) for key, value in mapped.items() if wanted(key))
    own = fresh.state_dict()
    if options.get("skip_mismatched"):
        kept = OrderedDict((k, v) for k, v in kept.items() if k not in own or own[k].shape == v.shape)
    record = {"name": name, "file": file, "options": options, "error": "", "missing": [], "unexpected": []}
    result = None
    # Strict is asked only of what the filters leave: the rest of the module stands in for itself.
    filled = OrderedDict(kept)
    for key, value in own.items():
        if key not in filled and (not wanted(key) or (key in mapped and options.get("skip_mismatched"))):
            filled[key] = value
    try:
        result = fresh.load_state_dict(filled, strict=options.get("strict", True))
        record["missing"], record["unexpected"] = result.missing_keys, result.unexpected_keys
        record["outputs"] = fresh.eval()(TOKENS).double().flatten().tolist()
    except RuntimeError as error:
        record["error"] = str(error)
    CASES.append(record)


WRAPPERS = ["module.", "_orig_mod."]
case("plain", state)
case("plain_all_prefixes", state, prefixes=WRAPPERS)
case("train", {"model": state, "ema": ema.state_dict(), "epoch": 7, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}}, key="model")
case("ema", {"model": state, "ema": {"shadow": ema.state_dict()}}, key="ema.shadow")
case("ddp", renamed("module.{}".format), prefixes=["module."])
case("compiled", renamed("_orig_mod.{}".format), prefixes=WRAPPERS)
case("ddp_of_compiled", {"model": renamed("module._orig_mod.{}".format)}, key="model", prefixes=WRAPPERS)
case("compiled_ddp", {"model": renamed("_orig_mod.module.{}".format)}, key="model", prefixes=WRAPPERS)
case("compiled_blocks", renamed(lambda k: re.sub(r"^(encoder\.\d)\.", r"\1._orig_mod.", k)), prefixes=WRAPPERS)
case("lightning", {"state_dict": renamed("net.{}".format), "epoch": 3}, key="state_dict", prefixes=["net."])
case("half", copy.deepcopy(net).half().state_dict())
case("bfloat16", copy.deepcopy(net).bfloat16().state_dict())
case("renamed", renamed(lambda k: k.replace("encoder.", "blocks.").replace("proj", "fc")),
     rename=[[r"^blocks\.", "encoder."], [r"\.fc\.(weight|bias)$", ".proj.$1"]])
case("renamed_not_said", renamed(lambda k: k.replace("encoder.", "blocks.")))
case("backbone", renamed("model.{}".format, OrderedDict((k, v) for k, v in state.items() if not k.startswith("head."))),
     prefixes=["model."], skip=r"^head\.")
case("backbone_strict", OrderedDict((k, v) for k, v in state.items() if not k.startswith("head.")))
case("only_encoder", state, only=r"^encoder\.")
case("part", {"model": renamed("net.{}".format)}, key="model.net")
case("only_encoder_one_missing", OrderedDict((k, v) for k, v in state.items() if k != "encoder.1.proj.bias"), only=r"^encoder\.")
case("other_head", {**state, "head.weight": torch.ones(7, 6), "head.bias": torch.ones(7)}, skip_mismatched=True)
case("other_head_refused", {**state, "head.weight": torch.ones(7, 6), "head.bias": torch.ones(7)})
case("missing", OrderedDict((k, v) for k, v in state.items() if k != "embed.weight"), strict=False)
case("extra", {**state, "classifier.weight": torch.ones(2)})
case("extra_lenient", {**state, "classifier.weight": torch.ones(2)}, strict=False)
case("safetensors", {k: v.contiguous() for k, v in state.items()}, ending="safetensors")
case("whole_module", net, opaque=True)

data = (folder / "plain.pth").read_bytes()
(folder / "cut.pth").write_bytes(data[: len(data) // 2])
(folder / "cases.json").write_text(json.dumps(CASES, indent=1))
