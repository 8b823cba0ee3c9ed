"""Runs loaders in child processes with limits, so that a crash, a hang or running out of memory is an outcome, too."""
import json
import os
import resource
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field

# LibTorch alone takes about 1 GB of address space.
MEMORY_BYTES = 6 << 30
CPU_SECONDS = 20
WALL_SECONDS = 60
NO_MEMORY = ("bad_alloc", "can't allocate memory", "not enough memory", "MemoryError", "Cannot allocate memory")


@dataclass
class Outcome:
    """kind: loads, refused, crash, hang or memory. words: the message of the refusal, or the name of the signal."""

    kind: str
    words: str = ""
    tensors: list = field(default_factory=list)


def from_answer(answer):
    """Returns the Outcome of an answer: {"tensors": […]}, {"refused": text} or {"no memory": true}."""
    if "tensors" in answer:
        return Outcome("loads", tensors=answer["tensors"])
    words = answer.get("refused", "")
    if "no memory" in answer or any(w in words for w in NO_MEMORY):
        return Outcome("memory")
    return Outcome("refused", words)


def from_status(status):
    """Returns the Outcome of a process that gave no answer, from its exit status (negative: the signal)."""
    if status in (-signal.SIGXCPU, -signal.SIGALRM):
        return Outcome("hang")
    return Outcome("crash", signal.Signals(-status).name if status < 0 else f"exit {status}")


def limited(command, memory=MEMORY_BYTES, cpu=CPU_SECONDS):
    """Returns the command line under limits. prlimit sets them: a function between fork and exec would copy this process."""
    return ["prlimit", f"--as={memory}", f"--cpu={cpu}:{cpu + 5}", "--core=0", *map(str, command)]


def program(command):
    """Runs a program that prints an answer as JSON, and returns the Outcome."""
    try:
        done = subprocess.run(limited(command), capture_output=True, timeout=WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome("hang")
    if done.returncode:
        no_memory = any(w.encode() in done.stderr for w in NO_MEMORY)
        return Outcome("memory") if no_memory and done.returncode == -signal.SIGABRT else from_status(done.returncode)
    return from_answer(json.loads(done.stdout))


def function(call):
    """Runs call(), which returns an answer, in a fork of this process, and returns the Outcome.

    The process must have no other threads.
    """
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(inlet)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            try:
                answer = call()
            except MemoryError:
                answer = {"no memory": True}
            except BaseException as error:  # a damaged file may raise anything
                answer = {"refused": f"{type(error).__name__}: {error}"}
            with os.fdopen(outlet, "w") as pipe:
                json.dump(answer, pipe)
            os._exit(0)
        finally:
            os._exit(3)
    os.close(outlet)
    text = read_until(inlet, time.monotonic() + WALL_SECONDS)
    if text is None:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if text is None:
        return Outcome("hang")
    return from_status(status) if status else from_answer(json.loads(text))


def read_until(inlet, deadline):
    """Reads a pipe to its end. Returns None if that takes too long."""
    parts = []
    with os.fdopen(inlet, "rb") as pipe:
        while select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)
    return None
