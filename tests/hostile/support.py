"""Runs ckpt under limits. The paths come from ctest by way of the environment."""
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ["LOADPATH_ROOT"])
CKPT = Path(os.environ["LOADPATH_CKPT"])
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

MEMORY, SECONDS = 1_500_000_000, 20


def ckpt(*arguments, memory=MEMORY):
    """Runs ckpt with at most `memory` bytes (None: any) and SECONDS: exit status, standard output, standard error."""
    # AddressSanitizer reserves more address space than any limit.
    limits = [f"--as={memory}"] * (memory is not None and not os.environ.get("LOADPATH_SANITIZE"))
    command = ["prlimit", f"--cpu={SECONDS}", *limits, CKPT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=3 * SECONDS)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def is_one_line(code, out, err, path):
    """Exit 2, nothing on standard output, one line that names the file or one in its folder."""
    return code == 2 and out == "" and err.startswith(f"ckpt: {path}") and err.count("\n") == 1 and err.endswith("\n")
