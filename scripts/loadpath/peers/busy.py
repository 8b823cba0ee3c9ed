"""How much of the machine others used while we measured, as bench warns of it."""

import os
import resource

OTHERS, STEAL = 0.10, 0.05  # parts of the processors from which times are worth less


class Busy:
    """Counts from its construction. All processors of the machine count."""

    def __init__(self):
        self.before = self._now()

    def warnings(self):
        """Returns a sentence for each reason that makes the times worth less."""
        total, used, steal, own = (now - before for now, before in zip(self._now(), self.before))
        others = max(0.0, used - own)
        sentences = []
        if total > 0 and others / total >= OTHERS:
            sentences.append(f"the machine was busy: other processes used {others / total:.0%} of its processors")
        if total > 0 and steal / total >= STEAL:
            sentences.append(f"the host took {steal / total:.0%} of the processors away")
        return sentences

    @staticmethod
    def _now():
        """Returns seconds of processor time so far: of all processors, used on them, taken by the host, our own."""
        with open("/proc/stat") as file:
            ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in file.readline().split()[1:9]]
        user, nice, system, idle, waiting, interrupts, soft, steal = ticks
        mine = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(ticks), user + nice + system + interrupts + soft, steal, sum(u.ru_utime + u.ru_stime for u in mine)
