"""The original case of a custom layer. custom_model.pth holds its state dict under "model_state_dict"."""
import torch
from torch import nn

from loadpath.reference import Reference, example_input, seeded


class CustomLayer(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        return torch.sigmoid(self.linear(x))


class CustomModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.custom = CustomLayer(64, 128)
        self.linear = nn.Linear(128, 10)

    def forward(self, x):
        return self.linear(self.custom(x))


REFERENCES = {
    "custom": Reference(
        build=lambda: seeded(CustomModel, seed=2),
        example_inputs=lambda batch: [example_input((batch, 64), 2)],
        batches=(1, 32),
        python="CustomModel, models/custom.py",
        weights="seed 2",
    )
}
