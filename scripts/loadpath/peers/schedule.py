"""The order of the samples: rounds, each of every case once, in a random order from a seed."""

import random
import time


def rounds(cases, count, seed, seconds=None, clock=time.monotonic):
    """Yields (round, case). The order of a round is the seed's and its number's alone. With `seconds`, no round begins
    after that time; the first always does."""
    begun = clock()
    for number in range(count):
        if number and seconds is not None and clock() - begun >= seconds:
            return
        order = list(cases)
        random.Random(f"{seed}/{number}").shuffle(order)
        for case in order:
            yield number, case
