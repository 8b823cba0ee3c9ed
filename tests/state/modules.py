"""The modules of the load_state_dict cases: modules.h holds their C++ twins under the same names."""
import torch
from torch import nn

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex32", "complex64", "complex128", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
    "float8_e5m2fnuz", "float8_e8m0fnu",
]
FLOAT4 = "float4_e2m1fn_x2"


def values(dtype, shape, factor=1.0):
    """Small numbers, the same in C++: element i is i % 11 + 1, times factor."""
    count = 1
    for size in shape:
        count *= size
    numbers = (torch.arange(count) % 11 + 1).to(torch.float64) * factor
    if dtype == torch.float4_e2m1fn_x2:
        return numbers.to(torch.uint8).view(dtype).reshape(shape)
    return numbers.to(dtype).reshape(shape)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 3)
        self.blocks = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.BatchNorm1d(2))


class NoneChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.register_module("head", None)


class Buffers(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.register_parameter("bias", None)
        self.register_buffer("kept", torch.zeros(3))
        self.register_buffer("transient", torch.zeros(3), persistent=False)
        self.register_buffer("nothing", None)


class Scalars(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("empty", torch.zeros(0, 3))


class Dtypes(nn.Module):
    def __init__(self, names=DTYPES):
        super().__init__()
        for name in names:
            self.register_buffer(f"to_{name}", torch.empty(5, dtype=getattr(torch, name)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 3, bias=False)
        self.b = nn.Linear(2, 3, bias=False)
        self.b.weight = self.a.weight


class SharedChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = self.first


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.free = nn.Parameter(torch.zeros(2, 3))
        self.frozen = nn.Parameter(torch.zeros(2, 3), requires_grad=False)
        self.counts = nn.Parameter(torch.zeros(4, dtype=torch.int64), requires_grad=False)
        self.register_buffer("buffer", torch.zeros(2, 3))


class Strided(nn.Module):
    def __init__(self):
        super().__init__()
        self.transposed = nn.Parameter(torch.zeros(3, 2).t())
        self.register_buffer("expanded", torch.zeros(1).expand(3))


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.InstanceNorm1d(3)
        self.tracking = nn.InstanceNorm2d(3, affine=True, track_running_stats=True)
        self.batch = nn.BatchNorm3d(3, affine=False)


class Meta(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2, device="meta")
        self.head = nn.Linear(2, 2)


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.list = nn.ModuleList([nn.Linear(2, 2), nn.LayerNorm(2)])
        self.dict = nn.ModuleDict({"one": nn.Linear(2, 1), "two": nn.PReLU()})
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))])


FACTORIES = {
    "linear": lambda: nn.Linear(3, 2),
    "linear without bias": lambda: nn.Linear(3, 2, bias=False),
    "sequential": lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
    "net": Net,
    "batch norm": lambda: nn.BatchNorm1d(3),
    "batch norm without statistics": lambda: nn.BatchNorm1d(3, track_running_stats=False),
    "instance norm": lambda: nn.InstanceNorm1d(3),
    "instance norm tracking": lambda: nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
    "norms": Norms,
    "none child": NoneChild,
    "buffers": Buffers,
    "scalars": Scalars,
    "dtypes": Dtypes,
    "float4": lambda: Dtypes([FLOAT4]),
    "tied": Tied,
    "shared child": SharedChild,
    "frozen": Frozen,
    "strided": Strided,
    "meta": Meta,
    "parts": Parts,
    "embedding": lambda: nn.Embedding(4, 3),
    "embedding bag": lambda: nn.EmbeddingBag(4, 3),
    "conv1d": lambda: nn.Conv1d(2, 3, 2),
    "conv3d": lambda: nn.Conv3d(1, 1, 2),
    "conv transpose": lambda: nn.ConvTranspose2d(1, 2, 2),
    "layer norm": lambda: nn.LayerNorm([2, 3]),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "bilinear": lambda: nn.Bilinear(2, 3, 4),
    "lstm": lambda: nn.LSTM(2, 3, num_layers=2, bidirectional=True),
    "lstm with projection": lambda: nn.LSTM(2, 3, proj_size=2),
    "gru": lambda: nn.GRU(2, 3),
    "rnn": lambda: nn.RNN(2, 3, bias=False),
    "lstm cell": lambda: nn.LSTMCell(2, 3),
    "attention": lambda: nn.MultiheadAttention(4, 2),
    "attention with other sizes": lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True),
    "encoder layer": lambda: nn.TransformerEncoderLayer(4, 2, 8),
    "decoder layer": lambda: nn.TransformerDecoderLayer(4, 2, 8),
    "adaptive softmax": lambda: nn.AdaptiveLogSoftmaxWithLoss(16, 10, [2, 6]),
}


def make(factory):
    module = FACTORIES[factory]()
    with torch.no_grad():
        for tensor in list(module.parameters()) + list(module.buffers()):
            if tensor.is_meta:
                continue
            if 0 in tensor.stride():
                tensor.data = torch.ones(1, dtype=tensor.dtype).expand(tensor.shape)
            elif tensor.dtype == torch.float4_e2m1fn_x2:
                tensor.data = values(tensor.dtype, tensor.shape)
            else:
                tensor.copy_(values(tensor.dtype, tensor.shape))
    return module
