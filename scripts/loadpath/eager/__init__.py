"""Eager PyTorch beside the C++ modules, for the cases forward/…/python."""
