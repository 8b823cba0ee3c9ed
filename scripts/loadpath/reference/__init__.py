"""What a model's Python twin provides."""
import dataclasses
from collections.abc import Callable, Sequence

import torch

# torch.testing.assert_close's tolerances for float32.
FLOAT32_RTOL, FLOAT32_ATOL = 1.3e-6, 1e-5


@dataclasses.dataclass(frozen=True)
class Reference:
    build: Callable[[], torch.nn.Module]  # with its weights, in eval mode
    example_inputs: Callable[[int], list[torch.Tensor]]  # for a batch size; the bits of the C++ example_inputs
    batches: Sequence[int]
    python: str  # the class, and where it comes from
    weights: str  # where the weights come from
    forward: Callable[[torch.nn.Module, list[torch.Tensor]], list[torch.Tensor]] = lambda module, inputs: [module(*inputs)]
    rtol: float = FLOAT32_RTOL
    atol: float = FLOAT32_ATOL
    why: str = "torch.testing.assert_close's defaults for float32; float32 and float64 differ by less than a twentieth of them"
    published: str | None = None  # a checkpoint file that the weights come from as it is
    published_format: str = "zip"
    optimizer: Callable = torch.optim.AdamW  # whose state the layout `full` holds


def seeded(make, seed, batches=None):
    """make() in eval mode, its weights drawn from a seed.

    `batches` (inputs) are run in train mode first, so that the running statistics of batch norms are not 0 and 1 and a
    mix-up of them shows.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        module = make()
        for batch in batches or ():
            module.train()(batch)
    return module.eval()
