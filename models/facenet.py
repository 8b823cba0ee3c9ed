"""facenet-pytorch's MTCNN networks and published weights. Its mtcnn.py is imported alone: the package needs Pillow and others."""
import functools
import os
import types

import torch

from loadpath.reference import Reference, example_input
from models import package

_SHAPES = {"pnet": (36, 48), "rnet": (24, 24), "onet": (48, 48)}
_CLASSES = {"pnet": "PNet", "rnet": "RNet", "onet": "ONet"}


@functools.cache
def _package():
    return package.folder("facenet_pytorch", "facenet-pytorch==2.6.0")


@functools.cache
def _mtcnn():
    """Imports facenet_pytorch/models/mtcnn.py without its code that crops faces out of images, which needs Pillow."""
    detect_face = types.ModuleType("facenet_pytorch.models.utils.detect_face")
    detect_face.detect_face = detect_face.extract_face = None
    names = ("facenet_pytorch", "facenet_pytorch.models", "facenet_pytorch.models.utils")
    stand_ins = {name: types.ModuleType(name) for name in names} | {detect_face.__name__: detect_face}
    return package.load("facenet_pytorch.models.mtcnn", _package(), stand_ins)


def _published(name):
    return os.path.join(_package(), "data", f"{name}.pt")


def _build(name):
    module = getattr(_mtcnn(), _CLASSES[name])(pretrained=False)
    module.load_state_dict(torch.load(_published(name), map_location="cpu", weights_only=True))
    return module.eval()


def _reference(name):
    return Reference(
        build=lambda: _build(name),
        example_inputs=lambda batch: [example_input((batch, 3, *_SHAPES[name]), 9)],
        batches=(1, 16),
        python=f"facenet_pytorch.models.mtcnn.{_CLASSES[name]}",
        weights=f"published in facenet-pytorch, data/{name}.pt",
        published=_published(name),
        published_format="legacy",
        forward=lambda module, inputs: list(module(*inputs)),
    )


REFERENCES = {f"facenet:{name}": _reference(name) for name in _SHAPES}
