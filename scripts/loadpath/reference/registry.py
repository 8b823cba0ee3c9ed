"""The models that reference data are made of: the bundled ones, or those of a file of one's own (use)."""
import importlib
import sys
from pathlib import Path

_own = None


def use(references, source):
    """Makes `references` (Reference by name), which the file `source` holds, the only models."""
    global _own
    _own = (dict(references), Path(source))


def _bundled():
    return importlib.import_module("models")


def names():
    return tuple(_own[0]) if _own else _bundled().NAMES


def find(name):
    return _own[0][name] if _own else _bundled().find(name)


def imported():
    """Returns the modules beside the file of one's own that have been imported until now, relative to its folder."""
    if not _own:
        return ()
    folder = _own[1].parent
    files = {Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    return tuple(sorted(str(path.relative_to(folder)) for path in files if folder in path.parents and "site-packages" not in path.parts))


def sources(wanted, modules):
    """Returns the files that the entries of these models depend on: a twin that changed has other outputs.

    `modules` are those of imported(): build() may import some of them only when it runs.
    """
    if _own:
        checkpoints = {_own[0][name].checkpoint for name in wanted} - {None}
        return [_own[1], *sorted(Path(_own[1].parent, name) for name in {*modules, *checkpoints})]
    folder = Path(_bundled().__file__).parent
    return [folder / f"{name}.py" for name in ("package", *sorted({*map(_bundled().file_of, wanted)}))]
