"""Measures ways of loading a checkpoint, ours and others', side by side: each load in a process of its own, its values
compared with PyTorch's before its time counts."""
