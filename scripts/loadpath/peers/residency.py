"""The page cache: how much of a file lies in it, and bringing it in or dropping it. mincore proves which it was."""

import ctypes
import mmap
import os

COLD = 0.01  # part of a file's pages that may be resident; of a hot file all must be: one read from the disk costs as
# much as mapping the rest

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)


def files_of(path):
    """Returns the files of a checkpoint: the path itself, or what lies in the folder."""
    return sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]


def resident(files):
    """Returns the part of the files' pages that lie in the page cache, 0 to 1. Raises OSError."""
    pages = present = 0
    for file in files:
        size = os.path.getsize(file)
        if size == 0:
            continue
        descriptor = os.open(file, os.O_RDONLY)
        try:
            address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
            if address in (None, ctypes.c_void_p(-1).value):
                raise OSError(ctypes.get_errno(), "cannot be mapped")
            count = -(-size // mmap.PAGESIZE)
            flags = ctypes.create_string_buffer(count)
            failed = _libc.mincore(address, size, flags)
            _libc.munmap(address, size)
            if failed:
                raise OSError(ctypes.get_errno(), "mincore failed")
            pages += count
            present += sum(flag & 1 for flag in flags.raw)
        finally:
            os.close(descriptor)
    return present / pages if pages else 1.0


def evict(files):
    """Drops the files from the page cache as far as the kernel does. Dirty pages are written first."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def warm(files):
    """Reads the files, so that they lie in the page cache."""
    for file in files:
        with open(file, "rb", buffering=0) as stream:
            while stream.read(1 << 22):
                pass


def establish(files, cache):
    """Brings the files into the state "hot" or "cold" and returns the part that is resident then. Raises Unproven if
    that is not the state."""
    part = resident(files)
    if cache == "hot":
        for _ in range(3):
            if part == 1:
                break
            warm(files)
            part = resident(files)
        if part < 1:
            raise Unproven(f"not hot: only {part:.2%} of its pages stay in the page cache")
    else:
        evict(files)
        part = resident(files)
        if part > COLD:
            raise Unproven(f"not cold: {part:.0%} of its pages stay in the page cache")
    return part


class Unproven(Exception):
    """A file cannot be brought into a state of the page cache."""
