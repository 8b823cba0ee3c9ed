"""Reference data: checkpoints in every format and layout, golden inputs and outputs, and the manifest.

`Reference` is what a model's Python twin provides (models/FILE.py). generate.py is the command line.
"""
from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable, Sequence

if typing.TYPE_CHECKING:  # PyTorch takes seconds to import
    import torch

# torch.testing.assert_close's tolerances for float32.
FLOAT32_RTOL, FLOAT32_ATOL = 1.3e-6, 1e-5


def example_input(shape, seed):
    """Returns float32 numbers in [-1, 1]: the bits of ExampleInput (<loadpath/model.h>)."""
    import numpy
    import torch

    return torch.from_numpy((_elements(shape, seed).astype(numpy.float64) / 2**31 - 1).astype(numpy.float32))


def example_tokens(shape, limit, seed):
    """Returns int64 numbers in [0, limit): the bits of ExampleTokens."""
    import numpy
    import torch

    return torch.from_numpy((_elements(shape, seed) % numpy.uint64(limit)).astype(numpy.int64))


def _elements(shape, seed):
    import numpy

    i = numpy.arange(math.prod(shape), dtype=numpy.uint64)
    return ((i * numpy.uint64(2654435761) + numpy.uint64(seed * 40503)) % numpy.uint64(2**32)).reshape(shape)


def flat(outputs):
    """Returns the tensors of outputs in any nesting of tuples, lists and dicts, in order."""
    import torch

    if isinstance(outputs, torch.Tensor):
        return [outputs]
    if outputs is None:
        return []
    if not isinstance(outputs, (tuple, list, dict)):
        raise TypeError(f"an output is {outputs!r}, of type {type(outputs).__name__}, not a tensor: Reference(forward=…) says which outputs to compare")
    return [tensor for part in (outputs.values() if isinstance(outputs, dict) else outputs) for tensor in flat(part)]


def adamw(parameters):
    import torch

    return torch.optim.AdamW(parameters)


@dataclasses.dataclass(frozen=True)
class Reference:
    build: Callable[[], torch.nn.Module]  # returns the module with its weights, in eval mode
    example_inputs: Callable[[int], list[torch.Tensor]]  # for a batch size; the same bits as in C++
    batches: Sequence[int]
    python: str = ""  # the class, and where it comes from
    weights: str = ""  # where the weights come from
    forward: Callable[[torch.nn.Module, list[torch.Tensor]], list[torch.Tensor]] = lambda module, inputs: flat(module(*inputs))
    rtol: float = FLOAT32_RTOL
    atol: float = FLOAT32_ATOL
    why: str = "torch.testing.assert_close's defaults for float32; float32 and float64 differ by less than a twentieth of them"
    published: str | None = None  # the published checkpoint file with these weights, copied as it is
    published_format: str = "zip"
    optimizer: Callable = adamw  # makes the optimizer whose state the layout `full` holds
    # Of a model of one's own: the published file that the weights come from, or the seed of its initialisation.
    checkpoint: str | None = None  # relative to the file that holds REFERENCES
    key: str = ""  # the key path of the state dict in it
    prefixes: Sequence[str] = ()
    rename: Sequence[tuple[str, str]] = ()
    only: str = ""
    skip: str = ""
    seed: int = 0


def seeded(make, seed, batches=None):
    """Returns make() in eval mode, with weights drawn from a seed.

    If `batches` (inputs) are given, they are run in train mode first: running statistics that are not 0 and 1 show if a
    loader mixes them up.
    """
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        module = make()
        for batch in batches or ():
            module.train()(batch)
    return module.eval()
