"""Memory of this process: makes loaded tensors resident, and reads what the process uses."""

import bisect
import ctypes
import errno
import mmap
import resource

_POPULATE_READ = 22  # MADV_POPULATE_READ, Linux 5.14
_libc = ctypes.CDLL(None, use_errno=True)


def ranges_of(tensors):
    """Returns the sorted [begin, end) addresses of the tensors' bytes, overlapping ones merged."""
    spans = sorted((tensor.data_ptr(), tensor.data_ptr() + _extent(tensor)) for tensor in tensors if tensor.numel())
    merged = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return merged


def _extent(tensor):
    return (1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))) * tensor.element_size()


def make_resident(tensors):
    """Makes every page of the tensors present, as loadpath's own `mmap` path does it. Raises OSError if a page cannot
    be read."""
    for begin, end in ranges_of(tensors):
        begin -= begin % mmap.PAGESIZE
        if _libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _POPULATE_READ) == 0:
            continue
        number = ctypes.get_errno()
        if number != errno.EINVAL:
            raise OSError(number, "the tensors' pages cannot be read")
        for address in range(begin, end, mmap.PAGESIZE):  # an older kernel
            ctypes.c_char.from_address(max(address, begin)).value


def mapped_bytes(tensors):
    """Returns how many of the tensors' bytes lie in mappings of files."""
    regions = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, _, _, _, inode, *_ = line.split()
            regions.append((*(int(part, 16) for part in span.split("-")), inode != "0"))
    starts = [region[0] for region in regions]
    total = 0
    for begin, end in ranges_of(tensors):
        at = max(0, bisect.bisect_right(starts, begin) - 1)
        while at < len(regions) and regions[at][0] < end:
            if regions[at][2]:
                total += max(0, min(end, regions[at][1]) - max(begin, regions[at][0]))
            at += 1
    return total


class Used:
    """What the process used between its construction and `end()`: nanoseconds of processor time of all threads, page
    faults, and the peak of resident memory beyond what was resident before, in bytes. Mapped pages count as
    resident."""

    def __init__(self):
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")  # sets the peak to what is resident now
            self.resettable = True
        except OSError:
            self.resettable = False
        self.resident = _status("VmRSS")
        self.before = resource.getrusage(resource.RUSAGE_SELF)

    def end(self):
        now, was = resource.getrusage(resource.RUSAGE_SELF), self.before
        used = {
            "cpu_ns": round(1e9 * (now.ru_utime + now.ru_stime - was.ru_utime - was.ru_stime)),
            "minor_faults": now.ru_minflt - was.ru_minflt,
            "major_faults": now.ru_majflt - was.ru_majflt,
            "process_cpu_ns": round(1e9 * (now.ru_utime + now.ru_stime)),
            "peak_bytes": _status("VmHWM"),
        }
        if self.resettable:
            used["peak_extra_bytes"] = max(0, used["peak_bytes"] - self.resident)
        return used


def _status(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(field + ":"))
