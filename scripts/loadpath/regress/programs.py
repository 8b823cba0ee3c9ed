"""What --base and --head name, made into programs that speak the worker's language (docs/worker.md).

A git revision and torch==VERSION are built once and kept in build/regress, under a key of all that goes into them."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from loadpath.common.child import Child, Failed
from loadpath.common.command_line import BadUse

TORCH = re.compile(r"torch==(\d+\.\d+(?:\.\d+)?)")
BUILD_SECONDS = 3600
ANSWER_SECONDS = 120


def short(commit):
    """Returns a commit in 12 digits, and that the tree had changes, if it had."""
    return commit[:12] + ("-dirty" if commit.endswith("-dirty") else "")


@dataclass
class Program:
    """name: as the user named it; path: the executable; facts: what its --version says, by name; digest: of what runs;
    environment: variables that it gets besides."""

    name: str
    path: Path
    facts: dict = field(default_factory=dict)
    digest: str = ""
    environment: dict = field(default_factory=dict)
    flags: list = field(default_factory=list)

    def worker(self, seconds, environment=None):
        variables = {**os.environ, **self.environment, **(environment or {})}
        return Child([self.path, "--worker", *self.flags], seconds, variables)

    def describe(self):
        commit = self.facts.get("commit", "")
        told = [f"commit {short(commit)}"] if commit else []
        told += [f"LibTorch {self.facts['libtorch']}"] if self.facts.get("libtorch") else []
        told += [self.facts[name] for name in ("compiler", "build_type") if self.facts.get(name)]
        return f"{self.name} ({', '.join(told)})" if told else self.name


def find(name, root, tell, source="HEAD"):
    """Returns the Program that a name stands for, built if need be. `source` is the revision that torch==VERSION is
    built from. Raises BadUse."""
    path = Path(name)
    if path.is_dir():
        inside = [folder / "bench" for folder in (path / "bin", path) if (folder / "bench").is_file()]
        if not inside:
            raise BadUse(f"{name}: a folder without bin/bench; is it a build folder? (ninja -C {name} bench)")
        return _known(name, inside[0])
    if path.is_file():
        if not os.access(path, os.X_OK):
            raise BadUse(f"{name}: not a program; name a bench, a suite of your own, a build folder or a revision")
        return _known(name, path)
    if name.startswith("torch"):
        version = TORCH.fullmatch(name)
        if not version:
            raise BadUse(f"{name}: not a version of LibTorch; torch==2.11.0 is one")
        return _built(name, _commit(source, root), root, tell, torch_root(version[1], root, tell))
    return _built(name[:12] if re.fullmatch("[0-9a-f]{40}", name) else name, _commit(name, root), root, tell)


def working_tree(root, tell):
    """Returns the program of the checkout as it stands, built if need be."""
    build = root / "build"
    _compile(root, build, None, tell, "the working tree")
    return _known("the working tree", build / "bin" / "bench")


def _known(name, path):
    program = Program(name, path.absolute())
    _ask(program)
    return program


def _ask(program):
    """Fills in what the program says of itself. Raises BadUse if it does not speak the worker's language."""
    try:
        with program.worker(ANSWER_SECONDS) as child:
            hello = child.ask({"v": 1, "do": "hello"})
    except (Failed, OSError) as error:
        raise BadUse(
            f"{program.name}: does not speak the worker's language: {error} (docs/worker.md; a bench, or a suite of "
            "your own by loadpath_add_suite)"
        ) from None
    if "program" not in hello:
        raise BadUse(f"{program.name}: answered hello with {str(hello)[:80]} (docs/worker.md)")
    program.facts = {key: str(value) for key, value in hello.items() if key not in ("v", "program")}
    told = subprocess.run([program.path, "--version"], capture_output=True, text=True, timeout=ANSWER_SECONDS).stdout
    compiler = re.search(r"(?m)^compiler (.+)$", told)
    if compiler:
        program.facts["compiler"] = compiler[1]
    program.digest = _digest(program)


def _digest(program):
    """Returns a hash of the executable and of the LibTorch that it links."""
    with open(program.path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        file.seek(0)
        if file.read(2) == b"#!":
            digest.update(str(program.path.resolve()).encode())  # what a script starts, its text does not tell
    linked = subprocess.run(["ldd", program.path], capture_output=True, text=True).stdout
    for place in sorted(re.findall(r"=> (\S*/(?:libtorch_cpu|libc10)\.so) ", linked)):
        status = os.stat(os.path.realpath(place))
        digest.update(f"{os.path.realpath(place)} {status.st_size} {status.st_mtime_ns}".encode())
    digest.update(repr(sorted(program.environment.items())).encode())
    return digest.hexdigest()


def _commit(revision, root):
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BadUse(
            f"{revision}: neither a revision of this repository nor a program, a build folder or torch==VERSION"
        )
    return done.stdout.strip()


def _built(name, commit, root, tell, torch=None):
    """Returns the program of a commit, against this checkout's LibTorch or another."""
    libtorch = torch or _own_torch(root)
    key = hashlib.sha256(
        "\n".join([commit, str(libtorch.resolve()), _compiler(), os.environ.get("CXXFLAGS", "")]).encode()
    ).hexdigest()[:8]
    place = root / "build" / "regress" / f"{commit[:12]}-{key}"
    bench = place / "build" / "bin" / "bench"
    if not (place / "built").exists():
        source = place / "source"
        if not (source / "CMakeLists.txt").exists():
            shutil.rmtree(source, ignore_errors=True)
            place.mkdir(parents=True, exist_ok=True)
            # A clone and not a worktree: it shares the objects, and nothing is left in .git if the folder is deleted.
            _run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(root), str(source)], place / "log", name)
            _run(["git", "-C", str(source), "checkout", "--quiet", "--detach", commit], place / "log", name)
        _compile(source, place / "build", libtorch, tell, name)
        (place / "built").touch()
    program = _known(name, bench)
    return program


def _own_torch(root):
    found = sorted((root / ".venv" / "lib").glob("python3*/site-packages/torch"))
    if not found:
        raise BadUse("there is no LibTorch in .venv: scripts/setup makes it")
    return found[0]


def _compiler():
    compiler = os.environ.get("CXX", "c++")
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    return done.stdout.split("\n")[0]


def _compile(source, build, libtorch, tell, name):
    """Configures and builds bench and ckpt. Raises BadUse with the end of the log."""
    log = build.parent / "log" if libtorch else build / "logs" / "regress.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if not (build / "build.ninja").exists():
        flags = ["-DLOADPATH_WERROR=OFF", "-DBUILD_TESTING=OFF"] if libtorch else []
        flags += [f"-DLOADPATH_TORCH_ROOT={libtorch}"] if libtorch else []
        _run(["cmake", "-S", str(source), "--preset", "release", "-B", str(build), *flags], log, name, source)
    begun = time.monotonic()
    dry = subprocess.run(["ninja", "-C", str(build), "-n", "bench"], capture_output=True, text=True).stdout
    if "no work to do" not in dry:
        tell(f"building {name}; the first time takes some minutes")
        _run(["ninja", "-C", str(build), "bench"], log, name)
        tell(f"built {name} in {time.monotonic() - begun:.0f} s")


def _run(command, log, name, cwd=None):
    with open(log, "ab") as output:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=BUILD_SECONDS, cwd=cwd
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BadUse(f"{name}: {command[0]}: {error}") from None
    if done.returncode != 0:
        last = "\n".join(Path(log).read_text(errors="replace").splitlines()[-15:])
        raise BadUse(f"{name}: does not build ({command[0]} ended with {done.returncode}):\n{last}")


def torch_root(version, root, tell):
    """Returns the torch folder of a version, installed with what it needs into build/regress/torch-VERSION if it is not
    there yet. Raises BadUse."""
    venv = root / "build" / "regress" / f"torch-{version}"
    if not (venv / "installed").exists():
        tell(f"installing torch {version} into build/regress/torch-{version}: some 3 GB")
        venv.parent.mkdir(parents=True, exist_ok=True)
        log = venv.parent / f"torch-{version}.log"
        shutil.rmtree(venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(venv)], log, f"torch=={version}")
        _run(
            [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-compile", "--progress-bar", "off"]
            + [f"torch=={version}"],
            log,
            f"torch=={version}",
        )
        (venv / "installed").touch()
    return next((venv / "lib").glob("python3*/site-packages/torch"))


def differences(base, head):
    """Returns a line for each fact in which the builds differ."""
    names = dict.fromkeys([*base.facts, *head.facts])
    return [
        f"{name}: {base.facts.get(name, 'unknown')} → {head.facts.get(name, 'unknown')}"
        for name in names
        if base.facts.get(name) != head.facts.get(name)
    ]
