"""EventNet: says which of four sounds a recording holds, from its spectrum and from where it was made."""
import torch
from torch import nn


class EventNet(nn.Module):
    def __init__(self, bands=12, places=5, classes=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(bands, 16, 3, padding=1), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2))
        self.place = nn.Embedding(places, 16)
        self.encoder = nn.GRU(16, 16, num_layers=2, batch_first=True, bidirectional=True)
        self.blocks = nn.ModuleList([nn.Linear(32, 32) for _ in range(2)])
        self.scale = nn.Parameter(torch.ones(32))
        self.head = nn.Linear(32, classes)
        self.register_buffer("taper", torch.linspace(0.5, 1.0, bands).unsqueeze(1), persistent=False)

    def forward(self, spectrum, place):
        """spectrum: float32 (batch, bands, frames). place: int64 (batch)."""
        x = self.stem(spectrum * self.taper).transpose(1, 2) + self.place(place).unsqueeze(1)
        x, state = self.encoder(x)
        for block in self.blocks:
            x = x + torch.relu(block(x))
        x = (x * self.scale).mean(1)
        return {"logits": self.head(x), "state": state}
