"""The Python twins of the C++ models: the file of a family holds REFERENCES, its models by name."""
import importlib

NAMES = (
    "linear", "custom", "multi:A", "multi:B", "crepe:tiny", "crepe:full", "resnet50", "gpt2",
    "facenet:pnet", "facenet:rnet", "facenet:onet", "dropout", "batchnorm",
)


def family(name):
    """The module that defines a model: "crepe:tiny" -> "crepe"."""
    return name.split(":")[0]


def find(name):
    """The Reference of a model. Imports its package (torchvision, transformers, …)."""
    return importlib.import_module(f"{__name__}.{family(name)}").REFERENCES[name]
