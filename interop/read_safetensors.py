"""Reads safetensors with the safetensors package where it is installed, and
otherwise by the format's description, with nothing but json and PyTorch."""
import json
import struct

import torch

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64, "U8": torch.uint8}


def load(path):
    """Returns (tensors, metadata, name of the reader)."""
    try:
        from safetensors import safe_open
    except ImportError:
        return (*by_hand(path), "by hand")
    with safe_open(path, framework="pt") as f:
        return {k: f.get_tensor(k) for k in f.keys()}, f.metadata(), "safetensors package"


def by_hand(path):
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(length))
        data = bytearray(f.read())
    assert length % 8 == 0, "the data are not aligned"
    metadata = header.pop("__metadata__", None)
    tensors, end = {}, 0
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = t["data_offsets"]
        assert begin == end, f"gap or overlap before {name}"
        end = stop
        dtype = TYPES[t["dtype"]]
        if stop > begin:
            assert begin % torch.empty(0, dtype=dtype).element_size() == 0, f"{name} is not aligned"
            flat = torch.frombuffer(data[begin:stop], dtype=dtype)
        else:
            flat = torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(t["shape"])
    assert end == len(data), "stray bytes at the end"
    return tensors, metadata
