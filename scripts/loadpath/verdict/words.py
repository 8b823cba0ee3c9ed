"""The words of a verdict and what follows from them."""

REGRESSION = "REGRESSION"
IMPROVED = "IMPROVED"
OK = "OK"
INCONCLUSIVE = "INCONCLUSIVE"
WRONG = "WRONG"
MISSING = "MISSING"
SKIPPED = "SKIPPED"
NEW = "NEW"

# From the worst on: the order in which cases are shown, and the exit status of a run that has one.
WORST_FIRST = (WRONG, REGRESSION, MISSING, SKIPPED, INCONCLUSIVE, NEW, IMPROVED, OK)

EXIT_OK = 0
EXIT_REGRESSION = 1
EXIT_BAD_USE = 2
EXIT_WRONG = 3
EXIT_INCONCLUSIVE = 4
EXIT_NOT_COMPARABLE = 5
EXIT_INTERRUPTED = 130


def exit_status(verdicts):
    """Returns the exit status for the verdicts of all cases."""
    words = {verdict.word for verdict in verdicts}
    if WRONG in words:
        return EXIT_WRONG
    if words & {REGRESSION, MISSING} or any(verdict.word == SKIPPED and verdict.fails for verdict in verdicts):
        return EXIT_REGRESSION
    if not words & {REGRESSION, IMPROVED, OK, INCONCLUSIVE}:
        return EXIT_NOT_COMPARABLE
    return EXIT_INCONCLUSIVE if INCONCLUSIVE in words else EXIT_OK
