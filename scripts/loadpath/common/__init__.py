"""What the commands share: command lines, child processes."""
