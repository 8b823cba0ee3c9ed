"""What loadpath, torch.load, torch::pickle_load and torch::jit::load make of a file, each in a child process with limits."""
