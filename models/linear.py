from torch import nn

from models.example_input import example_input
from models.reference import Reference, seeded


class LinearModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(10, 2)

    def forward(self, x):
        return self.linear(x)


REFERENCES = {
    "linear": Reference(
        build=lambda: seeded(LinearModel, seed=1),
        example_inputs=lambda batch: [example_input((batch, 10), 1)],
        batches=(1, 32),
        python="LinearModel, models/linear.py",
        weights="seed 1",
    )
}
