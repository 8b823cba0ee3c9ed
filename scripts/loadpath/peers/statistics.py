"""Medians and how sure they are."""

import random
from statistics import median

RESAMPLES = 2000


def interval(values, seed, level=0.95):
    """Returns (low, high): the bootstrap interval of the median, by percentiles of resampled medians."""
    if len(values) < 2:
        return (values[0], values[0])
    source = random.Random(seed)
    medians = sorted(median(source.choices(values, k=len(values))) for _ in range(RESAMPLES))
    cut = round((1 - level) / 2 * RESAMPLES)
    return medians[cut], medians[-1 - cut]


def of(samples, field):
    """Returns the median of a field over the samples that have it, or None."""
    values = [sample[field] for sample in samples if sample.get(field) is not None]
    return median(values) if values else None
