"""Installs the packages of the peers into a virtual environment of their own, which takes PyTorch from .venv."""

import hashlib
import shutil
import subprocess
from pathlib import Path


class NotInstalled(Exception):
    """The installation failed. Its text is one sentence."""


def interpreter(root, folder):
    """Returns the interpreter for the workers: the peers' own, or .venv's if it is not installed. None if neither is
    there."""
    return next(
        (str(place / "bin" / "python") for place in (folder, root / ".venv") if (place / "bin" / "python").exists()),
        None,
    )


def install(root, folder, tell):
    """Makes the environment `folder`. Raises NotInstalled. Does nothing if it is up to date."""
    requirements, base = root / "scripts" / "requirements-peers.txt", root / ".venv"
    if not (base / "bin" / "python").exists():
        raise NotInstalled(".venv is not there, from which PyTorch comes: scripts/setup makes it")
    stamp, now = folder / ".stamp", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == now:
        tell("up to date")
        return
    names = [line.split("==")[0] for line in requirements.read_text().splitlines() if "==" in line]
    tell(f"installing {len(names)} packages into build/{folder.name}")
    log = folder.with_name(folder.name + ".log")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        _run([base / "bin" / "python", "-m", "venv", folder], output, log)
        python = folder / "bin" / "python"
        where = subprocess.run(
            [base / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        own = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        )
        Path(own.stdout.strip(), "loadpath-base.pth").write_text(where + "\n")
        _run([python, "-m", "pip", "install", "--no-deps", "--progress-bar", "off", "-r", requirements], output, log)
    stamp.write_text(now)


def _run(command, output, log):
    done = subprocess.run([str(word) for word in command], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        last = next(
            (line for line in reversed(log.read_text(errors="replace").splitlines()) if line.startswith("ERROR")),
            f"exit {done.returncode}",
        )
        raise NotInstalled(f"{last.removeprefix('ERROR: ')} (the whole log: build/{log.name})")
