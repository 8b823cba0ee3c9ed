"""Damage to right files, the same in every run."""
import io
import struct
import zipfile

LENGTHS = (0, 1, 2, 7, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


def flip_bits(data, dice, _):
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def change_bytes(data, dice, _):
    at = dice.randrange(len(data))
    for i in range(at, min(len(data), at + dice.choice((1, 1, 2, 4, 16)))):
        data[i] = dice.choice((0, 0xFF, dice.randrange(256)))


def truncate(data, dice, _):
    del data[dice.randrange(len(data)) :]


def insert(data, dice, _):
    at = dice.randrange(len(data) + 1)
    data[at:at] = bytes(dice.randrange(256) for _ in range(dice.choice((1, 2, 8, 64))))


def delete(data, dice, _):
    at = dice.randrange(len(data))
    del data[at : at + dice.choice((1, 2, 8, 64, 256))]


def copy_block(data, dice, _):
    size = dice.choice((1, 4, 16, 64, 256))
    source, target = dice.randrange(len(data)), dice.randrange(len(data))
    data[target : target + size] = data[source : source + size]


def change_length(data, dice, _):
    """Another number where one may stand: of 1, 2, 4 or 8 bytes, near the old one or at an edge."""
    width = dice.choice((1, 2, 4, 4, 8, 8))
    at = dice.randrange(max(1, len(data) - width))
    old = int.from_bytes(data[at : at + width], "little")
    new = dice.choice((old + 1, old - 1, 2 * old, dice.choice(LENGTHS)))
    data[at : at + width] = (new % 2 ** (8 * width)).to_bytes(width, "little")


def splice(data, dice, other):
    """The start of this file and the end of another."""
    data[dice.randrange(len(data)) :] = other[dice.randrange(len(other)) :]


KINDS = (flip_bits, change_bytes, truncate, insert, delete, copy_block, change_length, splice)


def mutate(data, dice, other):
    """The damaged bytes. other: the bytes of another file, for a splice."""
    data = bytearray(data)
    dice.choice(KINDS)(data, dice, other)
    return bytes(data)


def mutate_record(archive, dice, other):
    """A zip archive, one of whose records is damaged and has a right checksum: what lies behind the checksums is reached."""
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        records = [(info, old.read(info)) for info in old.infolist()]
    filled = [name.filename for name, data in records if data]
    chosen = dice.choice([n for n in filled if n.endswith((".pkl", ".json", ".py"))] * 3 + filled)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for info, data in records:
            new.writestr(info.filename, mutate(data, dice, other) if info.filename == chosen else data)
    return out.getvalue()


def is_zip(data):
    return data[:4] == struct.pack("<I", 0x04034B50)
