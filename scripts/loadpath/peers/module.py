"""Makes a module without a class: the tree of names in a state dict's keys."""

import torch


def module_of(expected, device):
    """Returns a module with the tensors of `expected` (see expected.py), without values, on the device: parameters if
    they are floating point, otherwise buffers. Names of one tensor stay one."""
    root, made = torch.nn.Module(), {}
    for name, tensor in expected["tensors"].items():
        *path, last = name.split(".")
        owner = root
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, torch.nn.Module())
            owner = owner._modules[part]
        value = made.get(expected["aliases"].get(name))
        if value is None:
            value = torch.empty(tensor["shape"], dtype=getattr(torch, tensor["dtype"]), device=device)
            if value.is_floating_point() or value.is_complex():
                value = torch.nn.Parameter(value, requires_grad=False)
        made[name] = value
        if isinstance(value, torch.nn.Parameter):
            owner.register_parameter(last, value)
        else:
            owner.register_buffer(last, value)
    return root
