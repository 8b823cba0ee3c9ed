"""Makes example inputs. models/example_input.cc makes the same bits in C++."""
import math

import numpy
import torch


def _elements(shape, seed):
    i = numpy.arange(math.prod(shape), dtype=numpy.uint64)
    return ((i * numpy.uint64(2654435761) + numpy.uint64(seed * 40503)) % numpy.uint64(2**32)).reshape(shape)


def example_input(shape, seed):
    """Returns float32 numbers in [-1, 1]."""
    return torch.from_numpy((_elements(shape, seed).astype(numpy.float64) / 2**31 - 1).astype(numpy.float32))


def example_tokens(shape, limit, seed):
    """Returns int64 numbers in [0, limit)."""
    return torch.from_numpy((_elements(shape, seed) % numpy.uint64(limit)).astype(numpy.int64))
