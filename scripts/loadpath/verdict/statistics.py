"""The statistics of a verdict. Everything is done on logarithms of pair ratios: head's value over base's, of two
processes that ran one after the other in random order.

Sources: percentile bootstrap, Efron 1979; the signed-rank test of a paired design, Wilcoxon 1945; the false discovery
rate, Benjamini and Hochberg 1995. What the design gives on a noisy machine is measured by `bench selftest`."""

import numpy

RESAMPLES = 2000
ALARM = 0.01  # how often a bound of an alarm may lie on the wrong side
FINE = 0.025  # likewise of the bound that says that nothing got worse
RATE = 0.05  # of false discoveries among the cases that are called worse


def resampled_medians(values, seed):
    """Returns the medians of resampled values."""
    values = numpy.asarray(values, dtype=float)
    picked = numpy.random.default_rng(seed).integers(0, len(values), size=(RESAMPLES, len(values)))
    return numpy.median(values[picked], axis=1)


def bootstrap(values, seed):
    """Returns the sorted medians of resampled values."""
    return numpy.sort(resampled_medians(values, seed))


def bound(medians, part):
    """Returns the value that `part` of the resampled medians lie below."""
    return float(medians[min(len(medians) - 1, max(0, round(part * len(medians)) - (part > 0.5)))])


def signed_rank_p(values):
    """Returns how probable it is that the values lie so far above 0 by chance, if each is as likely above as below:
    Wilcoxon's signed-rank test, one-sided and exact up to 50 values. The smallest possible is 1 / 2^n."""
    from scipy import stats  # takes a second to import, and who only keeps a history needs none of it

    if not any(values):
        return 1.0
    return float(stats.wilcoxon(values, alternative="greater").pvalue)


def discoveries(p_values, rate=RATE):
    """Returns which of the p-values count, so that at most `rate` of those that do are false: Benjamini-Hochberg."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    last = max((rank for rank, at in enumerate(order, 1) if p_values[at] <= rate * rank / len(p_values)), default=0)
    return {order[rank] for rank in range(last)}


def noise_floor(logs, seed):
    """Returns how far from 0 the median of so many pairs of one and the same program lies in one of a hundred tries:
    from what the pairs differ from their median, with either sign."""
    noise = numpy.asarray(logs, dtype=float) - numpy.median(logs)
    source = numpy.random.default_rng(seed)
    picked = noise[source.integers(0, len(noise), size=(RESAMPLES, len(noise)))]
    signs = source.choice((1, -1), size=picked.shape)
    return float(numpy.quantile(numpy.abs(numpy.median(picked * signs, axis=1)), 0.99))
