"""What lies around a state dict in a checkpoint file: the ways in which people save."""
import copy
import random

import torch

import models


def layout(name, modules, state_dict=lambda module: module.state_dict()):
    """The value to save: `modules` by model name (one, but for `multi`), each turned into `state_dict(module)`."""
    if name == "multi":
        return {
            "modelA_state_dict": state_dict(modules["multi:A"]),
            "modelB_state_dict": state_dict(modules["multi:B"]),
        }
    ((model, module),) = modules.items()
    if name == "full":
        return _full(model, module, state_dict(module))
    return {"bare": _bare, "nested": _nested, "deep": _deep}[name](state_dict(module))


def _bare(weights):
    return weights


def _nested(weights):
    return {"model_state_dict": weights, "epoch": 3}


def _deep(weights):
    return {
        "run": {
            "name": "fine-tuning",
            "stages": [
                {"name": "warm-up", "steps": 100, "weights": None},
                {"name": "train", "steps": 1000, "weights": {"model": weights, "version": (2, 15)}},
            ],
        }
    }


def _full(model, module, weights):
    """As a training loop saves to resume: the optimizer's state after a step, random states, counters."""
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
    """One step on a copy, so that the weights stay those of the other layouts."""
    reference = models.find(model)
    module = copy.deepcopy(module)
    optimizer = reference.optimizer(module.parameters())
    with torch.enable_grad():
        loss = reference.forward(module, reference.example_inputs(reference.batches[0]))[0].float().square().mean()
        loss.backward()
    optimizer.step()
    return optimizer, loss.item()
