"""Trains EventNet for a moment and saves what a training script leaves: train.pth.

The keys are those of a model in DistributedDataParallel and torch.compile, and from before `layers` was renamed `blocks`.
"""
import torch

from event_net import EventNet

torch.manual_seed(0)
net = EventNet().train()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for step in range(30):
    spectrum, place = torch.randn(16, 12, 40), torch.randint(5, (16,))
    loss = torch.nn.functional.cross_entropy(net(spectrum, place)["logits"], (place + (spectrum.mean((1, 2)) > 0)) % 4)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
weights = {"module._orig_mod." + key.replace("blocks.", "layers."): value for key, value in net.state_dict().items()}
torch.save({"model": weights, "optimizer": optimizer.state_dict(), "epoch": 3, "loss": loss.item(), "args": {"lr": 0.05, "amp": False}}, "train.pth")
print(f"train.pth: loss {loss.item():.3f}")
