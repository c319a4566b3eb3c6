"""Makes the AVIF pictures in this folder and, beside each, NAME.want.png: its
pixels as Pillow's exif_transpose(...).convert("RGB") gives them. Run with Pillow 13.0 (PyPI:
libavif 1.4.2, libaom 3.14, dav1d 1.5.3), imagecodecs 2026.3.6 and numpy: python3 make.py. Grids,
which Pillow cannot write, are put together here. The pictures are drawn."""
import os, struct, sys
import imagecodecs
import numpy as np
from PIL import Image, ImageOps

os.chdir(os.path.dirname(os.path.abspath(__file__)))
sys.path.append("../../testdata/decode")
from drawing import drawn


def want(name):
    ImageOps.exif_transpose(Image.open(name)).convert("RGB").save(name + ".want.png", optimize=True)


def save(name, im, **kw):
    im.save(name, "AVIF", **{"quality": 70, "codec": "aom", **kw})
    want(name)


def box(kind, *content):
    b = b"".join(content)
    return struct.pack(">I", 8 + len(b)) + kind + b


def full(kind, version, flags, *content):
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def find(b, *path):
    """The content of the first box on a path of kinds."""
    while b:
        n, kind = struct.unpack(">I4s", b[:8])
        if kind == path[0]:
            inside = b[12:n] if kind == b"meta" else b[8:n]
            return inside if len(path) == 1 else find(inside, *path[1:])
        b = b[n:]


def coded(im):
    """Configuration and data of a picture."""
    im.save("coded.avif", quality=70, codec="aom")
    with open("coded.avif", "rb") as f:
        b = f.read()
    os.remove("coded.avif")
    return find(b, b"meta", b"iprp", b"ipco", b"av1C"), find(b, b"mdat")


def grid(name, w, h, columns, tiles):
    """A grid of w×h pixels of tiles of the same size."""
    side = tiles[0].size
    parts = [coded(t) for t in tiles]
    n = len(parts)
    body = bytes([0, 0, n // columns - 1, columns - 1]) + struct.pack(">HH", w, h)
    infos = [full(b"infe", 2, 0, struct.pack(">HH", 1, 0), b"grid", b"\0")]
    infos += [full(b"infe", 2, 1, struct.pack(">HH", 2 + i, 0), b"av01", b"\0") for i in range(n)]
    own = [box(b"av1C", parts[0][0]), full(b"ispe", 0, 0, struct.pack(">II", *side)), full(b"ispe", 0, 0, struct.pack(">II", w, h))]
    own += [box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)), full(b"pixi", 0, 0, b"\3\10\10\10")]
    links = struct.pack(">HB", 1, 3) + bytes([3, 4, 5])
    links += b"".join(struct.pack(">HB", 2 + i, 4) + bytes([0x81, 2, 4, 5]) for i in range(n))

    def meta(at):
        places = struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(body))
        for i, (_, data) in enumerate(parts):
            places += struct.pack(">HHHHII", 2 + i, 0, 0, 1, at, len(data))
            at += len(data)
        return full(b"meta", 0, 0, full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)), full(b"pitm", 0, 0, struct.pack(">H", 1)),
                    full(b"iloc", 1, 0, b"\x44\0", struct.pack(">H", n + 1), places), full(b"iinf", 0, 0, struct.pack(">H", n + 1), *infos),
                    full(b"iref", 0, 0, box(b"dimg", struct.pack(">HH", 1, n), struct.pack(">%dH" % n, *range(2, 2 + n)))),
                    box(b"iprp", box(b"ipco", *own), full(b"ipma", 0, 0, struct.pack(">I", n + 1), links)), box(b"idat", body))

    head = box(b"ftyp", b"avif", bytes(4), b"mif1miafavif")
    at = len(head) + len(meta(0)) + 8
    with open(name, "wb") as f:
        f.write(head + meta(at) + box(b"mdat", *[d for _, d in parts]))
    want(name)


for w, h in (1, 1), (65, 33), (150, 107):
    save("420_%dx%d.avif" % (w, h), drawn(w, h), subsampling="4:2:0")
for s in "4:2:2", "4:4:4":
    save("%s.avif" % s.replace(":", ""), drawn(65, 43), subsampling=s)
save("400.avif", drawn(65, 43).convert("L"), subsampling="4:0:0")
save("video_range.avif", drawn(65, 43), range="limited")
save("lossless.avif", drawn(40, 30), quality=100, subsampling="4:4:4")
save("alpha.avif", Image.merge("RGBA", (*drawn(65, 43).split(), drawn(65, 43, 1).convert("L"))))
save("two.avif", drawn(60, 40), save_all=True, append_images=[drawn(60, 40, 5)])
for o in 2, 3, 4, 5, 6, 7, 8:
    exif = Image.Exif()
    exif[274] = o
    save("orientation_%d.avif" % o, drawn(33, 22), exif=exif)
grid("grid.avif", 170, 120, 3, [drawn(64, 64, i) for i in range(6)])

# Deeper samples, which Pillow reads and does not write: imagecodecs does.
deep = np.asarray(drawn(66, 50)).astype("uint16")
for bits in 10, 12:
    a = (deep << bits - 8) + np.random.RandomState(3).randint(0, 1 << bits - 8, deep.shape).astype("uint16")
    for s in "420", "422", "444":
        name = "%d_bits_%s.avif" % (bits, s)
        with open(name, "wb") as f:
            f.write(imagecodecs.avif_encode(a, level=70, bitspersample=bits, pixelformat=s, codec="aom"))
        want(name)

# Other colors than BT.601's, which Pillow does not write either.
for matrix in 1, 9:
    name = "matrix_%d.avif" % matrix
    with open(name, "wb") as f:
        f.write(imagecodecs.avif_encode(np.asarray(drawn(65, 43)), level=70, pixelformat="420", codec="aom", primaries=matrix, transfer=13, matrix=matrix))
    want(name)
