"""What generate_checkpoints.py is made of."""
