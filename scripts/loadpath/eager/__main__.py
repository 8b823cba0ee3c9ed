"""Runs the Python twins forward in eager PyTorch: `python -m loadpath.eager [my_reference.py]`. Without a file the models
are the bundled ones. bench asks on standard input; one JSON a line.

    -> {"do": "open", "model": NAME, "weights": FILE, "key": "model", "golden": FILE, "device": "cpu"}
    <- {"torch": "2.15.0", "sha256": {NAME: "…"}}
                                              the twin is built, gets its weights, and is in eval(); the golden inputs are
                                              read; the SHA-256 of each tensor of its state_dict
    -> {"do": "pass", "threads": 2, "outputs": FILE or null}
    <- {"wall_ns": 1, "cpu_ns": 1, "minor_faults": 1, "major_faults": 1}
                                              of the twin that was opened last; its outputs are written to FILE afterwards,
                                              as safetensors: "0", "1", …

    -> {"do": "describe", "path": FILE, "key": "model"}
    <- {"tensors": {NAME: {"dtype": "float32", "shape": [2, 10], "sha256": "…"}}}
                                              what PyTorch reads in a file of the user's own

A failure is {"error": "one line"}; "missing" is true if a package is not installed or there is no such twin.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path


class NoTwin(Exception):
    pass


class Twins:
    def __init__(self):
        self._modules = {}  # by model and device: the module, and the digests of its state_dict
        self._subjects = {}  # by model, golden and device
        self._current = None

    def open(self, model, weights, key, golden, device):
        import safetensors.torch
        import torch

        from loadpath.peers import expected, formats
        from loadpath.reference import registry

        if model not in registry.names():
            raise NoTwin(f"there is no twin of {model}")
        reference = registry.find(model)
        if (model, device) not in self._modules:
            # A twin from a seed has other last bits in another process: of statistics, which are sums.
            module = reference.build()
            module.load_state_dict(formats.read(weights, key))
            module.eval()
            digests = {name: tensor["sha256"] for name, tensor in expected.describe(module.state_dict())["tensors"].items()}
            self._modules[model, device] = module.to(device), digests
        if (model, golden, device) not in self._subjects:
            tensors = safetensors.torch.load_file(golden)
            count = sum(name.startswith("input.") for name in tensors)
            inputs = [tensors[f"input.{i}"].to(device) for i in range(count)]
            self._subjects[model, golden, device] = reference, self._modules[model, device][0], inputs
        self._current = self._subjects[model, golden, device]
        return {"torch": torch.__version__, "sha256": self._modules[model, device][1]}

    def one_pass(self, threads, outputs):
        import safetensors.torch
        import torch

        reference, module, inputs = self._current
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.no_grad():
            used = resource.getrusage(resource.RUSAGE_SELF)
            begin = time.perf_counter_ns()
            result = reference.forward(module, inputs)
            if result[0].is_cuda:
                torch.cuda.synchronize()
            end = time.perf_counter_ns()
            now = resource.getrusage(resource.RUSAGE_SELF)
        if outputs:
            tensors = {str(i): tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for i, tensor in enumerate(result)}
            Path(outputs).write_bytes(safetensors.torch.save(tensors))
        return {
            "wall_ns": end - begin,
            "cpu_ns": round(1e9 * (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)),
            "minor_faults": now.ru_minflt - used.ru_minflt,
            "major_faults": now.ru_majflt - used.ru_majflt,
        }


def describe(path, key):
    from loadpath.peers import expected, formats

    return {"tensors": expected.describe(formats.read(path, key))["tensors"]}


def _models(arguments):
    if arguments:
        from loadpath.reference import own

        file = Path(arguments[0])
        own.use(own.read(file), file.resolve())
    else:
        sys.path.insert(0, str(Path(__file__).resolve().parents[3]))


def _failure(error):
    text = str(error).strip().split("\n")[0] or type(error).__name__
    named = text if isinstance(error, NoTwin) else f"{type(error).__name__}: {text}"
    return {"error": named, "missing": isinstance(error, (ModuleNotFoundError, NoTwin))}


def main(arguments):
    # What a model prints must not reach bench.
    outlet = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    twins, problem = Twins(), None
    try:
        _models(arguments)
    except Exception as error:  # a file of one's own may raise anything
        problem = _failure(error)
    for line in sys.stdin:
        request = json.loads(line)
        kind = request.pop("do")
        try:
            answer = problem or {"open": twins.open, "pass": twins.one_pass, "describe": describe}[kind](**request)
        except Exception as error:  # a model may raise anything
            answer = _failure(error)
        print(json.dumps(answer), file=outlet, flush=True)
    outlet.flush()
    os._exit(0)  # LibTorch takes its operators apart for a long time


if __name__ == "__main__":
    main(sys.argv[1:])
