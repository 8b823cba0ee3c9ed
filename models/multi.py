"""The original case of two models in one file. multi_model.pth holds their state dicts under "modelA_state_dict" and
"modelB_state_dict"."""
from torch import nn

from loadpath.reference import Reference, example_input, seeded


class ModelA(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(10, 5)

    def forward(self, x):
        return self.linear(x)


class ModelB(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 2)

    def forward(self, x):
        return self.linear(x)


REFERENCES = {
    "multi:A": Reference(
        build=lambda: seeded(ModelA, seed=3),
        example_inputs=lambda batch: [example_input((batch, 10), 3)],
        batches=(1, 32),
        python="ModelA, models/multi.py",
        weights="seed 3",
    ),
    "multi:B": Reference(
        build=lambda: seeded(ModelB, seed=4),
        example_inputs=lambda batch: [example_input((batch, 5), 4)],
        batches=(1, 32),
        python="ModelB, models/multi.py",
        weights="seed 4",
    ),
}
