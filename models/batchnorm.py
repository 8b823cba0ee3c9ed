"""A model that behaves differently in train mode: batch norms use and change their statistics."""
import torch
from torch import nn

from loadpath.reference import Reference, example_input, seeded


class BatchNormModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.bn = nn.BatchNorm1d(16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc2(torch.relu(self.bn(self.fc1(x))))


REFERENCES = {
    "batchnorm": Reference(
        build=lambda: seeded(BatchNormModel, seed=9, batches=[example_input((16, 8), seed) for seed in (90, 91, 92)]),
        example_inputs=lambda batch: [example_input((batch, 8), 9)],
        batches=(1, 32),
        python="BatchNormModel, models/batchnorm.py",
        weights="seed 9, running statistics from three batches",
    )
}
