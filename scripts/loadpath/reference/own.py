"""Makes the reference data of models of one's own: python -m loadpath.reference my_reference.py --data DIR

The file holds REFERENCES = {"name": Reference(…)}, the Python twins of the models of a suite of one's own. The folder can
be committed: its manifest holds no path outside it.
"""
import argparse
import dataclasses
import logging
import runpy
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

from loadpath.reference import Reference, keys, registry, table
from loadpath.reference.store import MakeError, Store, write_atomically

OWN = "own"  # the layout of a published file
# What PyTorch cannot make of every module, or what needs another package. The layout `full` needs a training step.
OPTIONAL = ("sharded", "sharded_bin", "torchscript", "cpp", "pt2", "opaque")
CPP = "torch::save writes it, in a C++ program: name that with --program"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m loadpath.reference", description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("file", type=Path, help="the Python file that holds REFERENCES")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--program", type=Path, metavar="PROGRAM",
                        help="the C++ suite: its models and REFERENCES must be the same, it writes the format cpp, and it checks the result")
    options = parser.parse_args(arguments)
    # What PyTorch says about its own formats and tracers is no news to the reader of this output.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    try:
        references = read(options.file)
        if options.program:
            options.program = options.program.resolve()  # subprocess would look for a bare name in PATH
            compare_names(models_of(options.program), list(references), options.file)
        count = make(references, options.file.resolve(), options.data, options.program)
    except (OSError, MakeError) as error:
        print(f"loadpath.reference: {error}", file=sys.stderr)
        return 2
    print(f"reference data: {f'{count} made' if count else 'up to date'}, in {options.data}", flush=True)
    return subprocess.run([options.program, "--check-data", "--data", options.data]).returncode if options.program else 0


def read(file):
    """Returns REFERENCES of the file."""
    if not file.is_file():
        raise MakeError(f"{file}: there is no such file")
    sys.path.insert(0, str(file.resolve().parent))
    try:
        references = runpy.run_path(str(file), run_name=file.stem).get("REFERENCES")
    except Exception as error:
        raise MakeError(f"{file}: {_line(error)}") from error
    if not isinstance(references, dict) or not references:
        raise MakeError(f"{file}: it holds no REFERENCES, a dict of a Reference by the model's name")
    for name, reference in references.items():
        if not isinstance(reference, Reference):
            raise MakeError(f"{file}: REFERENCES[{name!r}] is a {type(reference).__name__}, not a Reference")
    return references


def models_of(program):
    """Returns the names of the models of a C++ suite."""
    try:
        done = subprocess.run([program, "--list-models"], capture_output=True, text=True)
    except OSError as error:
        raise MakeError(f"--program {program}: {error.strerror}") from None
    if done.returncode != 0:
        raise MakeError(f"--program {program}: {(done.stderr.strip() or f'ended with status {done.returncode}').splitlines()[0]}")
    return [line.split()[0] for line in done.stdout.splitlines()]


def compare_names(cpp, python, file):
    for name in cpp:
        if name not in python:
            raise MakeError(f"{file}: REFERENCES has no {name!r}, which is a model of the C++ program")
    for name in python:
        if name not in cpp:
            raise MakeError(f"{file}: the C++ program has no model {name!r}, which is in REFERENCES: add it to SuiteMain")


def use(references, file):
    """Makes the models of one's own those that the registry finds."""
    registry.use({name: _with_weights(name, reference, file.parent) for name, reference in references.items()}, file)


def make(references, file, data, program=None):
    try:
        import safetensors.torch  # noqa: F401
        import torch
    except ImportError as error:
        raise MakeError(f"the package {error.name} is not installed: pip install torch safetensors numpy") from None
    from loadpath.reference import writer

    torch.use_deterministic_algorithms(True, warn_only=True)
    use(references, file)
    wanted = table.product(list(references), (*table.FORMATS, table.AOTI), table.LAYOUTS)
    with Store(data) as store:
        _refuse_alike(references)
        own = {_own_name(name, reference): name for name, reference in references.items() if reference.checkpoint}
        store.forget_others(references, own)
        if program:
            store.forget_not_made(CPP)
        todo = store.missing(wanted)
        absent = [name for published, name in own.items() if not store.has_own(published, name)]
        problems = {}  # by model: the others are made all the same
        for item in todo:
            name = item if isinstance(item, str) else item.model
            if name in problems:
                continue
            try:
                if isinstance(item, str):
                    _make_model(store, writer, name)
                elif isinstance(item, table.File):
                    _make_file(store, writer, item, name, program)
                else:
                    store.put_not_made(item, "AOTInductor compiles the bundled models alone")
            except MakeError as error:
                problems[name] = str(error)
        for name in absent:
            if name not in problems:
                _put_own(store, writer, name, references[name], file.parent)
    if problems:
        raise MakeError("\nloadpath.reference: ".join(problems.values()))
    return len(todo) + len(absent)


def _make_model(store, writer, name):
    try:
        writer.make(store, [name], _Quiet(), None)
    except MakeError:
        raise
    except Exception as error:
        raise MakeError(f"{name}: {_line(error)}") from error


def _make_file(store, writer, item, name, program):
    """Notes in the manifest why a format cannot be made of this model, if that is no fault: its cases are skipped."""
    try:
        if item.format == "cpp" and program is None:
            raise MakeError(CPP)
        writer.make(store, [item], _Quiet(), program)
    except OSError:
        raise
    except Exception as error:
        # A C++ program that fails is one that is not right yet; a full disk is no fault of the model.
        passing = isinstance(error, MemoryError) or "PytorchStreamWriter" in str(error) or (item.format == "cpp" and program)
        if passing or (item.format not in OPTIONAL and item.layout != "full"):
            raise MakeError(str(error) if isinstance(error, MakeError) else f"{item.name}: {_line(error)}") from error
        store.put_not_made(item, _line(error))


def _refuse_alike(names):
    """Files are called after the models, with "-" for ":"."""
    stems = {}
    for name in names:
        other = stems.setdefault(name.replace(":", "-"), name)
        if other != name:
            raise MakeError(f"{other!r} and {name!r} would have files of one name: call one of them otherwise")


def _own_name(name, reference):
    return f"{name.replace(':', '-')}.{OWN}{Path(reference.checkpoint).suffix}"


def _put_own(store, writer, name, reference, folder):
    source = folder / reference.checkpoint
    path = store.path(_own_name(name, reference))
    write_atomically(path, lambda temporary: shutil.copyfile(source, temporary))
    store.put_own(path.name, {
        "format": _format(source),
        "layout": OWN,
        "size": path.stat().st_size,
        "sha256": writer.file_digest(path),
        "made": f"a copy of {source.name}",
        "models": [{"model": name, "key": reference.key}],
        "prefixes": list(reference.prefixes),
        "rename": [list(rule) for rule in reference.rename],
        "only": reference.only,
        "skip": reference.skip,
        "loaded": sorted(_taken(name, reference, source, reference.build().state_dict())),
    })


def _format(path):
    if path.suffix == ".safetensors":
        return "safetensors"
    return "zip" if zipfile.is_zipfile(path) else "legacy"


def _with_weights(name, reference, folder):
    """Returns the Reference whose build() gives the module in eval mode, with the weights of its checkpoint if it names one."""
    from loadpath.reference import seeded

    def build():
        try:
            module = seeded(reference.build, reference.seed)
        except Exception as error:
            raise MakeError(f"{name}: build() raises {_line(error)}") from error
        if reference.checkpoint:
            _load(name, reference, folder / reference.checkpoint, module)
        return module.eval()

    python = reference.python or f"{name} of one's own"
    weights = reference.weights or (reference.checkpoint or f"seed {reference.seed}")
    return dataclasses.replace(reference, build=build, python=python, weights=weights)


def _taken(name, reference, path, built):
    """Returns what the file holds under the names of the module."""
    return keys.apply(reference, _state_dict(name, reference, path), name, built)


def _load(name, reference, path, module):
    built = module.state_dict()
    state_dict = _taken(name, reference, path, built)
    # Strict within what the filters leave: the rest keeps the values of build().
    wants = keys.Rules(reference, name).wants
    for key, value in built.items():
        if key not in state_dict and not wants(key):
            state_dict[key] = value
    try:
        module.load_state_dict(state_dict, strict=True)
    except RuntimeError as error:
        raise MakeError(f"{name}: {path}: {' '.join(str(error).split())}") from error


def _state_dict(name, reference, path):
    import safetensors.torch
    import torch

    if not path.is_file():
        raise MakeError(f"{name}: {path}: there is no such file")
    try:
        value = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise MakeError(f"{name}: {path}: {_line(error)}") from error
    try:
        value = keys.at(value, reference.key)
    except KeyError:
        there = f"; there are {', '.join(map(str, value))}" if isinstance(value, dict) else ""
        raise MakeError(f"{name}: {path}: there is nothing at the key {reference.key!r}{there}") from None
    if not isinstance(value, dict):
        raise MakeError(f"{name}: {path}: at the key {reference.key!r} lies a {type(value).__name__}, not a state dict")
    return value


def _line(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())}" if not isinstance(error, MakeError) else str(error)


class _Quiet:
    def start(self, what):
        pass

    def end(self):
        pass
