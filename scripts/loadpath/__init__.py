"""The Python part of loadpath: reference data (reference) and other loaders to compare with (loaders)."""
