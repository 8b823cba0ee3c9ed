"""Pickles that must be refused, with the sentence for each; None: PyTorch's own words (see make_hostile.py)."""

import struct

from hostile_parts import HOOKS, PROTO, STORAGE, V2, integer, tensor, text

def outside(size, stride, offset=0):
    return (f"has a tensor that reaches outside its storage: shape {list(size)}, stride {list(stride)}, offset {offset}, float32, "
            "in 16 bytes")  # fmt: skip


def negative(size, stride, offset=0):
    return f"has a tensor with a negative size, stride or offset: shape {list(size)}, stride {list(stride)}, offset {offset}"


UNDERFLOW = "has a pickle that takes more from its stack than it put there"
NO_MARK = "has a pickle that goes back to a mark that it never set"
CUT = "has a pickle that is cut off"
PICKLES = {
    "eval": (PROTO + b"c__builtin__\neval\nX\x01\x00\x00\x001\x85R.", None),
    "getattr": (PROTO + b"cbuiltins\ngetattr\n.", None),
    "builtinsx": (PROTO + b"cbuiltins_x\nf\n.", None),
    "posix": (PROTO + b"cposix\nsystem\nX\x04\x00\x00\x00true\x85R.", None),
    "os": (PROTO + b"cos\nsystem\n.", None),
    "nt": (PROTO + b"cnt\nsystem\n.", None),
    "sys": (PROTO + b"c__builtin__\nintern\n.", None),
    "numpy": (PROTO + b"cnumpy.core.multiarray\n_reconstruct\n.", None),
    "module": (PROTO + b"ctorch.nn.modules.linear\nLinear\n.", None),
    "dtensor": (PROTO + b"ctorch.distributed.tensor\nDTensor\n.", None),
    "newline": (PROTO + b"c\n\n.", None),
    "inst": (PROTO + b"(iposix\nsystem\n.", None),
    "obj": (PROTO + b"(o.", None),
    "ext1": (PROTO + b"\x82\x01.", None),
    "persid": (PROTO + b"P0\n.", None),
    "not an opcode": (PROTO + b"\xff.", None),
    "next buffer": (PROTO + b"\x97.", None),
    "append to dict": (PROTO + b"}Na.", None),
    "append to tuple": (PROTO + b")Na.", None),
    "extend a dict": (PROTO + b"}(Ne.", None),
    "setitem on list": (PROTO + b"]NNs.", None),
    "setitems on list": (PROTO + b"](NNu.", None),
    "setitem on size": (PROTO + b"ctorch\nSize\n)\x85RNNs.", None),
    "setitem on tensor": (tensor()[:-1] + b"K\x00K\x00s.", None),
    "build a dict": (PROTO + b"}}b.", None),
    "build a list": (PROTO + b"]}b.", None),
    "persistent text": (PROTO + b"X\x01\x00\x00\x00aQ.", None),
    "persistent none": (PROTO + b"NQ.", None),
    "persistent module": (PROTO + b"X\x06\x00\x00\x00module\x85Q.", None),
    "reduce a tuple": (PROTO + b"))R.", "Trying to call reduce for unrecognized function <class 'tuple'>"),
    "newobj of int": (PROTO + b"K\x01)\x81.",
                      "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got <class 'int'>"),
    "from type of text": (PROTO + b"ctorch._tensor\n_rebuild_from_type_v2\n(X\x01\x00\x00\x00ectorch\nTensor\n)NtR.",
                          "Trying to call reduce for unrecognized function <class 'str'>"),
    "empty": (b"", "has a pickle that is cut off: it does not end with STOP"),
    "no stop": (PROTO + b"N", "has a pickle that is cut off: it does not end with STOP"),
    "no value": (PROTO + b".", UNDERFLOW),
    "protocol 9": (b"\x80\x09N.", "unsupported pickle protocol: 9"),
    "memo": (PROTO + b"h\x05.", "has a pickle that asks its memo for entry 5, which was never put there"),
    "far memo": (PROTO + b"j\xff\xff\xff\x7f.", "has a pickle that asks its memo for entry 2147483647, which was never put there"),
    "long text": (PROTO + b"X\xff\xff\xff\x7fab.", CUT),
    "huge text": (b"\x80\x04\x8d" + b"\xff" * 8 + b".", CUT),
    "huge bytes": (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", CUT),
    "long frame": (b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "pickle exhausted before end of frame"),
    "bad utf-8": (PROTO + b"X\x02\x00\x00\x00\xff\xfe.", "has a string that is not UTF-8"),
    "long integer": (PROTO + b"\x8b" + struct.pack("<I", 5000) + b"\x01" * 5000 + b".", "has an integer of more than 4300 digits"),
    "not an integer": (b"Lxyz\n.", "has a malformed integer"),
    "not a float": (b"Fxyz\n.", "has a malformed float"),
    "unquoted": (b"Sabc\n.", "the STRING opcode argument must be quoted"),
    "unhashable": (PROTO + b"}]Ns.", "TypeError: unhashable type: 'list'"),
    "unhashable dict": (PROTO + b"}ccollections\nOrderedDict\n)RNs.", "TypeError: unhashable type: 'OrderedDict'"),
    "odd items": (PROTO + b"}(Nu.", "has a dict with a key and no value"),
    "complex of text": (PROTO + b"c__builtin__\ncomplex\nNN\x86R.", "calls builtins.complex with arguments that it does not take"),
    "calls a dtype": (PROTO + b"ctorch\nfloat32\n)R.", "calls torch.float32 with arguments that it does not take"),
    "two few arguments": (PROTO + V2 + b"tR.", "calls torch._utils._rebuild_tensor_v2 with 0 arguments"),
    "copies": (PROTO + b"](" + b"N" * 50000 + b"eq\x00c__builtin__\nset\nq\x01" + b"h\x01(tR" * 10 + b"h\x00h\x01h\x00\x85R0" * 4000 + b".",
               "has a pickle that copies the same values over and over"),
    "key missing": (tensor(storage=STORAGE.replace(b"\x00\x00\x000X", b"\x00\x00\x007X")), "lacks a record that its pickle names"),
    "key leaves": (tensor(storage=STORAGE.replace(b"X\x01\x00\x00\x000", text("../version"))), "lacks a record that its pickle names"),
    "numel small": (tensor(storage=STORAGE.replace(b"K\x04t", b"K\x03t")), "names storage 0 with 12 bytes, but its record has 16"),
    "numel large": (tensor(storage=STORAGE.replace(b"K\x04t", b"K\x05t")), "names storage 0 with 20 bytes, but its record has 16"),
    "numel negative": (tensor(storage=STORAGE.replace(b"K\x04t", b"J\xff\xff\xff\xfft")), "has a storage of -1 elements"),
    "numel overflows": (tensor(storage=STORAGE.replace(b"K\x04t", integer(2**62 + 1) + b"t")), f"has a storage of {2**62 + 1} elements"),
    "storage of tensor type": (tensor(storage=STORAGE.replace(b"FloatStorage", b"FloatTensor")), "has a storage whose type is torch.FloatTensor"),
    "size outside": (tensor(size=(5,)), outside((5,), (1,))),
    "offset outside": (tensor(offset=1), outside((4,), (1,), 1)),
    "stride outside": (tensor(size=(2, 2), stride=(3, 1)), outside((2, 2), (3, 1))),
    "offset negative": (tensor(offset=-1), negative((4,), (1,), -1)),
    "size negative": (tensor(size=(-4,)), negative((-4,), (1,))),
    "stride negative": (tensor(stride=(-1,)), negative((4,), (-1,))),
    "rank": (tensor(stride=(1, 1)), "has a tensor with 1 sizes and 2 strides"),
    "rank 1000": (tensor(size=(1,) * 1000, stride=(1,) * 1000), "has a tensor of more than 64 dimensions"),
    "product": (tensor(size=(2**40, 2**40), stride=(0, 0)), outside((2**40, 2**40), (0, 0))),
    "stride overflows": (tensor(size=(2, 3), stride=(2**62, 2**62)), outside((2, 3), (2**62, 2**62))),
    "grad": (tensor(grad=b"K\x01"), "has a tensor whose requires_grad is not a bool"),
    "conj of float": (tensor(extra=b"}X\x04\x00\x00\x00conj\x88s"), "has a conjugate bit on a tensor that is not complex"),
    "size is None": (PROTO + V2 + STORAGE + b"K\x00N)\x89" + HOOKS + b"tR.", "has a tensor whose size is not a tuple"),
}  # fmt: skip
STACK_OPCODES = {"pop": b"0", "dup": b"2", "reduce": b"R", "append": b"a", "build": b"b", "setitem": b"s", "tuple1": b"\x85", "tuple2": b"N\x86",
                 "tuple3": b"NN\x87", "newobj": b"\x81", "binput": b"q\x00", "persid": b"Q", "stack global": b"\x93", "memoize": b"\x94",
                 "newobj_ex": b"\x92"}  # fmt: skip
MARK_OPCODES = {"tuple": b"t", "list": b"l", "dict": b"d", "appends": b"e", "setitems": b"u", "additems": b"\x90", "frozenset": b"\x91",
                "pop_mark": b"1"}  # fmt: skip
for _name, _code in STACK_OPCODES.items():
    PICKLES[f"underflow {_name}"] = (PROTO + _code + b".", UNDERFLOW)
    PICKLES[f"underflow below mark {_name}"] = (PROTO + b"NNNN(" + _code + b".", UNDERFLOW)
del PICKLES["underflow below mark pop"]  # POP takes a mark too
for _name, _code in MARK_OPCODES.items():
    PICKLES[f"no mark {_name}"] = (PROTO + b"N" + _code + b".", NO_MARK)
