"""Puts a state dict into what people save around it.

layout_LAYOUT(weights, model, module) makes the value of a layout that harness/golden/reference_files.json lists. A file
that several models share holds a dict of their state dicts.
"""
import copy
import random

import torch

from loadpath.reference import registry, table
from loadpath.reference.store import MakeError


def layout(file, modules, state_dict):
    """Returns the value to save in `file`: `modules` by model name, each turned into `state_dict(module)`."""
    if table.shared_file(file.model):
        return {key: state_dict(modules[model]) for model, key in file.models}
    make = globals().get(f"layout_{file.layout}")
    if make is None:
        raise MakeError(f"{table.SOURCE.name} lists the layout {file.layout}: add a function layout_{file.layout} to {__file__}")
    ((model, module),) = modules.items()
    return make(state_dict(module), model, module)


def layout_bare(weights, model, module):
    return weights


def layout_nested(weights, model, module):
    return {"model_state_dict": weights, "epoch": 3}


def layout_deep(weights, model, module):
    return {
        "run": {
            "name": "fine-tuning",
            "stages": [
                {"name": "warm-up", "steps": 100, "weights": None},
                {"name": "train", "steps": 1000, "weights": {"model": weights, "version": (2, 15)}},
            ],
        }
    }


def layout_full(weights, model, module):
    """What a training loop saves to resume: the optimizer's state after a step, random states, counters."""
    optimizer, loss = _step(model, module)
    return {
        "epoch": 3,
        "global_step": 1200,
        "model_state_dict": weights,
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": {"base_lrs": [1e-3], "last_epoch": 3, "_step_count": 4, "milestones": {2: 1, 5: 1}},
        "loss": loss,
        "best": {"loss": float("inf"), "metrics": {"accuracy": 0.875, "by_class": [0.5, 1.0, None]}},
        "rng_state": {"torch": torch.Generator().manual_seed(0).get_state(), "python": random.Random(0).getstate()},
        "arguments": {"lr": 1e-3, "amp": False, "resume": None, "betas": (0.9, 0.999)},
    }


def _step(model, module):
    """Runs one training step on a copy, so that all layouts hold the same weights."""
    reference = registry.find(model)
    module = copy.deepcopy(module)
    optimizer = reference.optimizer(module.parameters())
    with torch.enable_grad():
        loss = reference.forward(module, reference.example_inputs(reference.batches[0]))[0].float().square().mean()
        loss.backward()
    optimizer.step()
    return optimizer, loss.item()
