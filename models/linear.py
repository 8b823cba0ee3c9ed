"""The original linear case. linear_model.pth holds its state dict under "model_state_dict"."""
from torch import nn

from loadpath.reference import Reference, example_input, seeded


class LinearModel(nn.Module):
    def __init__(self, input_dim, output_dim):
        super().__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return self.linear(x)


REFERENCES = {
    "linear": Reference(
        build=lambda: seeded(lambda: LinearModel(10, 2), seed=1),
        example_inputs=lambda batch: [example_input((batch, 10), 1)],
        batches=(1, 32),
        python="LinearModel, models/linear.py",
        weights="seed 1",
    )
}
