"""A model that behaves differently in train mode: dropout is random."""
import torch
from torch import nn

from loadpath.reference import Reference, example_input, seeded


class DropoutModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 64)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(64, 4)

    def forward(self, x):
        return self.fc2(self.dropout(torch.relu(self.fc1(x))))


REFERENCES = {
    "dropout": Reference(
        build=lambda: seeded(DropoutModel, seed=8),
        example_inputs=lambda batch: [example_input((batch, 16), 8)],
        batches=(1, 32),
        python="DropoutModel, models/dropout.py",
        weights="seed 8",
    )
}
