"""Makes the HEIC pictures in this folder and, beside each, NAME.want.png: its
pixels as Pillow's convert("RGB") gives them. Run with Pillow 13.0, pillow_heif
1.8.1 (PyPI: libheif 1.23, libde265 1.1, x265) and numpy: python3 heic.py. Grids, which
pillow_heif cannot write, are put together here. The pictures are drawn."""
import os, struct
import numpy as np
from PIL import Image
import pillow_heif

pillow_heif.register_heif_opener()
os.chdir(os.path.dirname(os.path.abspath(__file__)))


def drawn(w, h, seed=0):
    """Smooth colors, hard edges and a little noise: what decoders differ on."""
    r = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w].astype(float)
    a = np.stack([127 + 120 * np.sin(x / 7 + y / 11), 255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1)], -1)
    a[(x - w * 0.6) ** 2 + (y - h * 0.4) ** 2 < (min(w, h) * 0.25) ** 2] = [250, 20, 30]
    a[(x > w * 0.1) & (x < w * 0.2)] = [10, 240, 60]
    return Image.fromarray(np.clip(a + r.normal(0, 6, a.shape), 0, 255).astype("uint8"))


def want(name):
    Image.open(name).convert("RGB").save(name + ".want.png", optimize=True)


def save(name, im, **kw):
    im.save(name, **{"quality": 60, **kw})
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


def coded(im, **kw):
    """Configuration and data of a picture."""
    im.save("coded.heic", **{"quality": 60, **kw})
    with open("coded.heic", "rb") as f:
        b = f.read()
    os.remove("coded.heic")
    return find(b, b"meta", b"iprp", b"ipco", b"hvcC"), find(b, b"mdat")


def grid(name, w, h, columns, tiles, properties=(), kind=b"hvc1", primary=1):
    """A grid of w×h pixels of tiles of the same size, with more properties."""
    side = tiles[0].size
    parts = [coded(t) for t in tiles]
    n = len(parts)
    body = bytes([0, 0, n // columns - 1, columns - 1]) + struct.pack(">HH", w, h)
    infos = [full(b"infe", 2, 0, struct.pack(">HH", 1, 0), b"grid", b"\0")]
    infos += [full(b"infe", 2, 1, struct.pack(">HH", 2 + i, 0), kind, b"\0") for i in range(n)]
    own = [box(b"hvcC", parts[0][0]), full(b"ispe", 0, 0, struct.pack(">II", *side)), full(b"ispe", 0, 0, struct.pack(">II", w, h))]
    own.append(box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)))
    own += properties
    mine = [3, 4] + [5 + i for i in range(len(properties))]
    links = struct.pack(">HB", 1, len(mine)) + bytes(0x80 | i for i in mine)
    links += b"".join(struct.pack(">HB", 2 + i, 3) + bytes([0x81, 2, 4]) for i in range(n))

    def meta(at):
        places = struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(body))
        for i, (_, data) in enumerate(parts):
            places += struct.pack(">HHHHII", 2 + i, 0, 0, 1, at, len(data))
            at += len(data)
        return full(b"meta", 0, 0, full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)), full(b"pitm", 0, 0, struct.pack(">H", primary)),
                    full(b"iloc", 1, 0, b"\x44\0", struct.pack(">H", n + 1), places), full(b"iinf", 0, 0, struct.pack(">H", n + 1), *infos),
                    full(b"iref", 0, 0, box(b"dimg", struct.pack(">HH", 1, n), struct.pack(">%dH" % n, *range(2, 2 + n)))),
                    box(b"iprp", box(b"ipco", *own), full(b"ipma", 0, 0, struct.pack(">I", n + 1), links)), box(b"idat", body))

    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    at = len(head) + len(meta(0)) + 8
    with open(name, "wb") as f:
        f.write(head + meta(at) + box(b"mdat", *[d for _, d in parts]))
    want(name)


if __name__ == "__main__":
    for w, h in (1, 1), (65, 33), (150, 107):
        save("heic_420_%dx%d.heic" % (w, h), drawn(w, h), chroma=420)
    for chroma in 422, 444:
        save("heic_%d.heic" % chroma, drawn(90, 70), chroma=chroma)
        save("heic_%d_best.heic" % chroma, drawn(60, 40), chroma=chroma, quality=100)
    save("heic_lossless.heic", drawn(60, 40), quality=-1, chroma=444, matrix_coefficients=0)
    save("heic_gray.heic", drawn(90, 70).convert("L"))
    save("heic_alpha.heic", Image.merge("RGBA", (*drawn(90, 70).split(), drawn(90, 70, 1).convert("L"))))
    save("heic_two.heic", drawn(60, 40), save_all=True, append_images=[drawn(60, 40, 5)])
    save("heic_bt709_video.heic", drawn(90, 70), matrix_coefficients=1, full_range_flag=0)
    save("heic_bt2020_444.heic", drawn(90, 70), chroma=444, matrix_coefficients=9, full_range_flag=1)
    for o in 2, 3, 4, 5, 6, 7, 8:
        exif = Image.Exif()
        exif[274] = o
        save("heic_exif_%d.heic" % o, drawn(33, 22), exif=exif)

    # Deeper samples.
    deep = np.asarray(drawn(66, 50)).astype("uint16") * 256 + np.random.RandomState(3).randint(0, 256, (50, 66, 3)).astype("uint16")
    for bits in 10, 12:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
        for chroma in 420, 422, 444:
            name = "heic_%d_bits_%d.heic" % (bits, chroma)
            pillow_heif.from_bytes(mode="RGB;16", size=(66, 50), data=deep.tobytes()).save(name, quality=60, chroma=chroma)
            want(name)

    # What encoders choose among.
    for kind, options in {
        "transform_skip": {"x265:tskip": "1"}, "small_blocks": {"x265:ctu": "16", "x265:max-tu-size": "16"}, "qp_groups": {"x265:aq-mode": "3", "x265:aq-strength": "2.0", "x265:qg-size": "8"},
        "scaling_lists": {"x265:scaling-list": "default"}, "no_wavefront": {"x265:wpp": "0"}, "chroma_qp": {"x265:cbqpoffs": "6", "x265:crqpoffs": "-5"},
        "unit_lossless": {"x265:cu-lossless": "1"}, "deblocking": {"x265:deblock": "3:-2"}, "slices": {"x265:slices": "2"},
    }.items():
        save("heic_%s.heic" % kind, drawn(140, 140), quality=50, chroma=444 if kind == "slices" else 420, enc_params=options)

    # Grids whose last column and row are cut, turned and mirrored. The clean aperture begins at
    # even places: at others, libheif shifts chroma by a sample.
    tiles = [drawn(64, 64, i) for i in range(6)]
    grid("heic_grid.heic", 170, 120, 3, tiles)
    grid("heic_grid_turned.heic", 170, 120, 3, tiles, [box(b"irot", b"\3")])
    grid("heic_grid_turned_mirrored.heic", 190, 128, 3, tiles, [box(b"irot", b"\1"), box(b"imir", b"\1")])
    grid("heic_grid_mirrored_cut.heic", 170, 120, 3, tiles, [box(b"imir", b"\0"), box(b"clap", struct.pack(">IIIIiIiI", 101, 1, 77, 1, 7, 2, -7, 2))])
