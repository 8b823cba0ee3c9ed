import torch
from torch import nn

from models.example_input import example_input
from models.reference import Reference, seeded


class CustomLayer(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        return torch.sigmoid(self.linear(x))


class CustomModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.custom_layer = CustomLayer(64, 128)
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc(self.custom_layer(x))


REFERENCES = {
    "custom": Reference(
        build=lambda: seeded(CustomModel, seed=2),
        example_inputs=lambda batch: [example_input((batch, 64), 2)],
        batches=(1, 32),
        python="CustomModel, models/custom.py",
        weights="seed 2",
    )
}
