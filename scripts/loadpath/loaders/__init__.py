"""Loads files by loadpath, torch.load, torch::pickle_load and torch::jit::load, each in a child process with limits."""
