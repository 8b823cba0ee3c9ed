"""Compiles models to machine code by AOTInductor."""
import contextlib
import os
import tempfile

import torch
import torch._inductor

from loadpath.reference import formats
from loadpath.reference.store import MakeError

MADE = "torch._inductor.aoti_compile_and_package, batch size free"
LARGEST_BATCH = 1024


@contextlib.contextmanager
def cache(directory):
    """Gives AOTInductor an empty cache in the folder of the reference data and removes it afterwards. A cache that stays
    may hold machine code for another machine."""
    with tempfile.TemporaryDirectory(prefix=".making.", dir=directory) as folder:
        before = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["TORCHINDUCTOR_CACHE_DIR"]
            else:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = before


def compile_program(module, reference, path):
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    inputs = reference.example_inputs(reference.batches[-1])
    # The wrapped forward takes its arguments as one tuple: one shape for all of them.
    exported = formats.export(module, reference, dynamic_shapes=(tuple({0: batch} for _ in inputs),))
    try:
        # The package does not link libtorch.so, which needs CUDA's libraries: the program that runs it has LibTorch.
        with torch.no_grad(), torch._inductor.config.patch({"compile_threads": 1, "aot_inductor.link_libtorch": False}):
            torch._inductor.aoti_compile_and_package(exported, package_path=str(path))
    except Exception as error:  # noqa: BLE001: the compiler may raise anything
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        why = next((line for line in lines if "error:" in line), lines[0])
        raise MakeError(f"{path.name}: AOTInductor, which needs g++, could not compile it: {why}") from None
