"""The Python twins of the C++ models.

One line a file: models/FILE.py holds REFERENCES, its models by name. models/models.def lists the C++ files. The names
stand here too, so that listing them imports none of the packages that the models come from.
"""
import importlib

FILES = {
    "linear": ("linear",),
    "custom": ("custom",),
    "multi": ("multi:A", "multi:B"),
    "crepe": ("crepe:tiny", "crepe:full"),
    "resnet50": ("resnet50",),
    "gpt2": ("gpt2",),
    "facenet": ("facenet:pnet", "facenet:rnet", "facenet:onet"),
    "dropout": ("dropout",),
    "batchnorm": ("batchnorm",),
}
NAMES = tuple(name for names in FILES.values() for name in names)


def file_of(name):
    """Returns the file that defines a model, without its ending: "crepe:tiny" -> "crepe"."""
    return next(file for file, names in FILES.items() if name in names)


def find(name):
    """Returns the Reference of a model. Imports the package that the model comes from (torchvision, transformers, …)."""
    file = file_of(name)
    references = importlib.import_module(f"{__name__}.{file}").REFERENCES
    if name not in references:
        raise ImportError(f"models/{file}.py has no {name!r} in REFERENCES, which models/__init__.py lists")
    return references[name]
