# SPDX-License-Identifier: MIT
"""Files that are made to cost their readers much, each of any size: see growth.py."""

import io
import itertools
import struct
import zipfile
import zlib

MASK = (1 << 64) - 1


# -- Names ----------------------------------------------------------------------------------------


BLOCKS = 4  # of 16 bytes each, in a name that collides


def colliding_blocks(count, state, rng):
    """Texts of 16 bytes after which libstdc++'s std::hash, a 64-bit murmur hash, has the state 0: of the first
    half any will do, the second is worked out from it."""
    mul = 0xC6A4A7935BD1E995
    inverse = pow(mul, -1, 1 << 64)
    good = bytes(set(range(0x20, 0x7F)) - set(b'"\\/'))
    blocks = []
    while len(blocks) < count:
        first = bytes(rng.choices(good, k=8))
        word = int.from_bytes(first, "little") * mul & MASK
        word = (word ^ word >> 47) * mul & MASK
        word = (state ^ word) * mul & MASK
        word = word * inverse & MASK
        word = (word ^ word >> 47) * inverse & MASK
        second = word.to_bytes(8, "little")
        if not second.translate(None, good):
            blocks.append((first + second).decode())
    return blocks


def colliding_names(count, rng):
    """Texts of one value under std::hash: each block may be any of a few."""
    choices = 1
    while choices**BLOCKS < count:
        choices += 1
    start = 0xC70F6907 ^ (16 * BLOCKS * 0xC6A4A7935BD1E995) & MASK
    first, other = (colliding_blocks(choices, state, rng) for state in (start, 0))
    made = itertools.product(first, *[other] * (BLOCKS - 1))
    names = ["".join(blocks) for blocks in itertools.islice(made, count)]
    rng.shuffle(names)
    return names


def names(count, rng, kind):
    if kind == "colliding":
        return colliding_names(count, rng)
    if kind == "long prefix":  # equal in all but the end
        return ["p" * 40 + f"{i:08x}" for i in rng.sample(range(1 << 30), count)]
    return [f"{rng.getrandbits(64):x}.{i}" for i in range(count)]


# -- Pickles --------------------------------------------------------------------------------------


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def tensor(key=b"0", count=1):
    """One of `count` float32."""
    size = b"J" + struct.pack("<i", count)
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU" + bytes([len(key)]) + key
            + b"U\x03cpu" + size + b"tQK\x00" + size + b"\x85K\x01\x85\x89}tR")


def checkpoint(pickle, records=(), small=None, level=None):
    """An archive of torch.save around the body of a pickle. `small` replaces records; with a level, what
    replaces and data.pkl are deflated."""
    made = io.BytesIO()
    content = {"data.pkl": b"\x80\x02" + pickle + b".", "byteorder": b"little", **dict(records), "version": b"3\n"}
    content.update(small or {})
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in content.items():
            deflated = level is not None and (name == "data.pkl" or name in (small or {}))
            archive.writestr(zipfile.ZipInfo("x/" + name), data,
                             zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED, level)
    return made.getvalue()


def key_dict(keys):
    return checkpoint(b"}(" + b"".join(key + b"N" for key in keys) + b"u")


def text_keys(count, rng, kind):
    return key_dict(text(name) for name in names(count, rng, kind))


def float_keys(count, rng):
    return key_dict(b"G" + struct.pack(">d", float(value << 61)) for value in rng.sample(range(1 << 50), count))


def nan_keys(count, _):
    return key_dict([b"G" + struct.pack(">d", float("nan"))] * count)


def int_keys(count, rng):
    """Of one hash in Python: multiples of 2^61 - 1."""
    return key_dict(b"\x8a\x0e" + (value * ((1 << 61) - 1)).to_bytes(14, "little")
                    for value in rng.sample(range(1, 1 << 40), count))


def pair_keys(count, rng):
    return key_dict(b"J" + struct.pack("<i", value) + b"K\x01\x86" for value in rng.sample(range(1 << 30), count))


def set_members(count, rng):
    members = (b"\x8a\x08" + struct.pack("<q", value << 16) for value in rng.sample(range(1 << 40), count))
    return checkpoint(b"\x8f(" + b"".join(members) + b"\x90")


def nested(count, _):
    return checkpoint(b"]" * count + b"a" * (count - 1))


def tensors(count, rng, kind):
    entries = b"".join(text(name) + tensor() for name in names(count, rng, kind))
    return checkpoint(b"}(" + entries + b"u", [("data/0", bytes(4))])


def storages(count, rng, _=None):
    numbers = rng.sample(range(10 * count), count)
    entries = b"".join(text(f"w{i}") + tensor(str(i).encode()) for i in numbers)
    return checkpoint(b"}(" + entries + b"u", [(f"data/{i}", bytes(4)) for i in numbers])


def amplified(count, rng):
    """A long key over many references to one tensor, itself below long keys."""
    key = rng.choice("abc") * (7 * count)
    inner = b"}" + text(key) + b"](" + tensor() + b"q\x01" + b"h\x01" * count + b"es"
    return checkpoint(b"}" + text(key) + inner + b"s", [("data/0", bytes(4))])


def repeated_text(count, _):
    """One long text, of which the memo gives many copies as parts of keys."""
    return checkpoint(b"}(" + text("t" * count) + b"q\x01" + b"h\x01\x85h\x01\x86N" * (count // 8) + b"u")


def placeholders(count, rng):
    return checkpoint(b"](" + b"".join(b"cother%d\nThing\n)R}" % rng.randrange(1000) + text("k") + b"K\x01sb"
                                       for _ in range(count)) + b"e")


def legacy(count, rng):
    numbers = sorted(str(i) for i in rng.sample(range(10 * count), count))
    entries = b"".join(text(f"w{i}") + tensor(i.encode()) for i in numbers)
    keys = b"](" + b"".join(text(i) for i in numbers) + b"e"
    return (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}(" + entries + b"u.\x80\x02"
            + keys + b"." + (struct.pack("<q", 1) + bytes(4)) * count)


# -- Archives, safetensors, NumPy -----------------------------------------------------------------


def zip_names(count, rng, kind):
    return checkpoint(b"N", [(name, b"") for name in names(count, rng, kind)])


def npy(header_bytes=0, elements=b"", shape="(0,)"):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (max(header_bytes - len(header), -(len(header) + 13) % 64)) + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header + elements


def npz(arrays, level=None):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in arrays:
            archive.writestr(zipfile.ZipInfo(name + ".npy"), data,
                             zipfile.ZIP_STORED if level is None else zipfile.ZIP_DEFLATED, level)
    return made.getvalue()


def npz_names(count, rng, kind):
    return npz((name, npy()) for name in names(count, rng, kind))


def npz_headers(count, _):
    """Headers of blanks, each a megabyte, that take a thousandth of it."""
    return npz([(str(i), npy((1 << 20) - 100)) for i in range(max(count // 1000, 1))], 9)


def safetensors(json):
    return struct.pack("<Q", len(json)) + json


def safetensors_names(count, rng, kind):
    entries = ",".join(f'"{name}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for name in names(count, rng, kind))
    return safetensors(("{" + entries + "}").encode())


def safetensors_blanks(count, _):
    return safetensors(b"{" + b" " * (100 * count) + b"}")


def safetensors_metadata(count, rng, kind):
    entries = ",".join(f'"{name}":""' for name in names(count, rng, kind))
    return safetensors(('{"__metadata__":{' + entries + "}}").encode())


def safetensors_nested(count, _):
    return safetensors(b'{"a":' + b"[" * count + b"]" * count + b"}")


def shard_index(count, rng, kind):
    entries = ",".join(f'"{name}":"shard{i}"' for i, name in enumerate(names(count, rng, kind)))
    return ('{"weight_map":{' + entries + "}}").encode()


# -- Bombs ----------------------------------------------------------------------------------------


def small_record(name):
    return lambda count, _: checkpoint(b"N", small={name: b"1" * (1000 * count)}, level=9)


def text_pickle(count, _):
    return checkpoint(text("t" * (1000 * count)), level=9)


def deflated_elements(count, _, order=b"little"):
    """A storage of zeros."""
    return checkpoint(tensor(b"0", 250 * count), [("data/0", b"")], {"data/0": bytes(1000 * count), "byteorder": order},
                      9)


def deflated_other_end(count, rng):
    return deflated_elements(count, rng, b"big")


def npz_elements(count, _):
    return npz([("a", npy(0, bytes(1000 * count), f"({1000 * count},)"))], 9)


def gzip_idx(count, _):
    """Images of a size that no data set has."""
    data = struct.pack(">IIII", 2051, count, 1000, 1) + bytes(1000 * count)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def gzip_lie(count, _):
    """A small header in front of much."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(struct.pack(">II", 2049, 1) + bytes(1000 * count)) + packer.flush()


def png(count, _):
    """A black picture, one line of which is 1000 bytes; what it shows is far larger than its file."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress(bytes(1001 * count), 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1000, count, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def png_texts(count, _):
    """Compressed texts beside a picture of one pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    note = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20), 9))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + note * max(count // 1000, 1) + chunk(b"IDAT", zlib.compress(bytes(2))) + chunk(b"IEND", b""))
