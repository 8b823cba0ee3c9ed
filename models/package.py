"""Imports single modules of published packages, without the packages that only the rest of them needs."""
import importlib.util
import os
import sys


def folder(name, requirement):
    """Returns the folder of the installed package `name`. If there is none, the error tells pip's `requirement`."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"{requirement.partition('==')[0]} is not installed: pip install --no-deps {requirement}")
    return spec.submodule_search_locations[0]


def load(name, package_folder, stand_ins):
    """Imports the module `name` of a package. `stand_ins` (modules by name) replace the modules that it imports itself."""
    path = os.path.join(package_folder, *name.split(".")[1:]) + ".py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    before = {other: sys.modules.get(other) for other in stand_ins}
    sys.modules.update(stand_ins)
    try:
        spec.loader.exec_module(module)
    finally:
        for other, was in before.items():
            if was is None:
                del sys.modules[other]
            else:
                sys.modules[other] = was
    return module
