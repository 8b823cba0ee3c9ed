"""Touches memory and gives it back, before a sample that writes to fresh memory: `python -m loadpath.peers.touch
BYTES`.

A virtual machine that reports its free pages to its host loses them within a minute; the next first touch costs up to
ten times as much. Prints the rate in bytes per second. A process of its own, so that the kernel gets all of the memory
back."""

import mmap
import sys
import time


def main():
    size = int(sys.argv[1])
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    ones = b"\1" * (size // mmap.PAGESIZE)
    start = time.perf_counter()
    memory[0 : size : mmap.PAGESIZE] = ones
    seconds = time.perf_counter() - start
    memory.close()
    print(round(size / seconds))


if __name__ == "__main__":
    main()
