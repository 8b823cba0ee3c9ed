"""One child process: started, asked by lines, ended, with a time limit. What goes wrong is one sentence."""

import json
import os
import resource
import select
import signal
import subprocess
import time

LONGEST_LINE = 64 << 20


class Failed(Exception):
    """A child did not answer. Its text is one line without a path of this machine."""


class Child:
    """command: its words. seconds: its whole time. watch: a file; `opened_ns` is when the child first opened it."""

    def __init__(self, command, seconds, environment=None, watch=None):
        self.deadline = time.monotonic() + seconds
        self.seconds = seconds
        self.buffer, self.opened_ns, self.usage = b"", None, None
        self.watch = _watch(watch) if watch else None
        self.errors = os.memfd_create("errors")
        self.started_ns = time.monotonic_ns()
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
            bufsize=0,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)  # Popen.kill would take its usage away
            self._wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()
        os.close(self.errors)
        if self.watch is not None:
            os.close(self.watch)

    def ask(self, request):
        """Sends one JSON line; returns the answer. Raises Failed."""
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            pass  # it has died: its answer says how
        return self.answer()

    def ask_nothing(self, request):
        """Sends one JSON line that has no answer, and lets the child end."""
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.end()

    def answer(self):
        """Returns the next line of the child's standard output, parsed. Raises Failed."""
        line = self._line()
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Failed(f"its process answered {line[:60].decode(errors='replace')!r}, which is not its language")
        return value

    def end(self):
        """Waits for the end and returns the exit status (negative: a signal). Raises Failed if the time is over."""
        while self.process.returncode is None:
            if not self._readable() and time.monotonic() >= self.deadline:
                raise Failed(f"its process did not end in {self.seconds:g} s")
            if not os.read(self.process.stdout.fileno(), 1 << 16):
                self._wait()
        return self.process.returncode

    def last_error(self):
        """Returns the last line of the child's standard error."""
        size = os.fstat(self.errors).st_size
        lines = os.pread(self.errors, 1 << 16, max(0, size - (1 << 16))).decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def _line(self):
        while b"\n" not in self.buffer:
            if not self._readable():
                raise Failed(f"its process gave no answer in {self.seconds:g} s")
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                raise Failed(self._death())
            self.buffer += part
            if len(self.buffer) > LONGEST_LINE:
                raise Failed(f"its process answered more than {LONGEST_LINE >> 20} MiB in one line")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _readable(self):
        """Waits until the child has written or ended. Returns False if its time is over."""
        while (left := self.deadline - time.monotonic()) > 0:
            waiting = [self.process.stdout] + (
                [self.watch] if self.watch is not None and self.opened_ns is None else []
            )
            ready = select.select(waiting, [], [], left)[0]
            if self.watch in ready:
                self.opened_ns = time.monotonic_ns()
            if self.process.stdout in ready:
                return True
        return False

    def _wait(self):
        _, status, self.usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)

    def _death(self):
        self._wait()
        code = self.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        error = self.last_error()
        return f"its process {how} without an answer" + (f": {error}" if error else "")


def _watch(path):
    """Returns a descriptor that is readable once somebody opens the path: the C++ programs do not say when they began
    to load."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(path), 0x20) < 0:  # IN_OPEN
        if descriptor >= 0:
            os.close(descriptor)
        return None
    return descriptor


def usage_of(child):
    """Returns the whole process's nanoseconds of processor time, its page faults and its peak of resident memory in
    bytes, mapped pages included, as wait4 counted them; they hold the comparison of the values, too."""
    used = child.usage or resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_ns": round(1e9 * (used.ru_utime + used.ru_stime)),
        "peak_bytes": used.ru_maxrss << 10,
        "minor_faults": used.ru_minflt,
        "major_faults": used.ru_majflt,
    }
