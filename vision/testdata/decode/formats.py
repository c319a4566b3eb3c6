"""Makes the rarer kinds of TIFF, BMP, PNM, ICO, TGA, WebP and JPEG in this folder
and, beside each, NAME.want.png: its pixels as Pillow's convert("RGB") gives them.
Run with Pillow 13.0 (PyPI) and numpy: python3 formats.py. What Pillow cannot
write (planes, tiles, floats, 16-bit bitmaps) is written byte by byte here. The
pictures are drawn, none is a photograph."""
import os, struct, zlib
import numpy as np
from PIL import Image, ImageCms

here = os.path.dirname(os.path.abspath(__file__))


def drawn(w, h, seed=0):
    """Smooth colors, hard edges and a little noise: what decoders differ on."""
    r = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w].astype(float)
    a = np.stack([127 + 120 * np.sin(x / 7 + y / 11), 255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1)], -1)
    a[(x - w * 0.6) ** 2 + (y - h * 0.4) ** 2 < (min(w, h) * 0.25) ** 2] = [250, 20, 30]
    a[(x > w * 0.1) & (x < w * 0.2)] = [10, 240, 60]
    return Image.fromarray(np.clip(a + r.normal(0, 6, a.shape), 0, 255).astype("uint8"))


def want(name):
    im = Image.open(os.path.join(here, name))
    im.convert("RGB").save(os.path.join(here, name + ".want.png"), optimize=True)


def save(name, im, **kw):
    im.save(os.path.join(here, name), **kw)
    want(name)


def write(name, b):
    with open(os.path.join(here, name), "wb") as f:
        f.write(b)
    want(name)


def pack(rows, bits):
    """Samples of 1, 2 or 4 bits to bytes, each row filled up to whole bytes."""
    out = b""
    for r in rows:
        b = "".join(format(int(v), "0%db" % bits) for v in r.ravel())
        b += "0" * (-len(b) % 8)
        out += bytes(int(b[i:i + 8], 2) for i in range(0, len(b), 8))
    return out


def tiff(name, w, h, blocks, big=False, large=False, **tags):
    """A TIFF of these blocks of data; tags by number, t258=(SHORT, [8, 8, 8])."""
    e = ">" if big else "<"
    t = {int(k[1:]): v for k, v in tags.items()}
    t[256], t[257] = (4, [w]), (4, [h])
    place, length = (324, 325) if 322 in t else (273, 279)
    at = 16 if large else 8
    places = []
    for b in blocks:
        places.append(at)
        at += len(b)
    t[place], t[length] = (4, places), (4, [len(b) for b in blocks])
    code = {3: "H", 4: "I"}
    extra, entries = b"", b""
    data = b"".join(blocks)
    n = len(t)
    first = at + (8 + 20 * n + 8 if large else 2 + 12 * n + 4)
    for k in sorted(t):
        kind, v = t[k]
        body = struct.pack(e + "%d%s" % (len(v), code[kind]), *v)
        room = 8 if large else 4
        if len(body) > room:
            where = struct.pack(e + ("Q" if large else "I"), first + len(extra))
            extra += body
        else:
            where = body.ljust(room, b"\0")
        entries += struct.pack(e + ("HHQ" if large else "HHI"), k, kind, len(v)) + where
    mark = b"MM" if big else b"II"
    if large:
        head = mark + struct.pack(e + "HHHQ", 43, 8, 0, at)
        body = struct.pack(e + "Q", n) + entries + struct.pack(e + "Q", 0)
    else:
        head = mark + struct.pack(e + "HI", 42, at)
        body = struct.pack(e + "H", n) + entries + struct.pack(e + "I", 0)
    write(name, head + data + body + extra)


def tags(bits, photometric, samples=1, compression=1, rows=None, **more):
    t = dict(t258=(3, [bits] * samples), t259=(3, [compression]), t262=(3, [photometric]), t277=(3, [samples]))
    if rows:
        t["t278"] = (4, [rows])
    t.update(more)
    return t


W, H = 53, 37
rgb = drawn(W, H)
a = np.array(rgb)
gray = np.array(rgb.convert("L"))
bilevel = rgb.convert("1")

# TIFF: compressions and color spaces that Pillow writes.
for c in ("group3", "group4"):
    save("tiff_%s.tif" % c, bilevel, compression=c)
save("tiff_zstd.tif", rgb, compression="zstd")
save("tiff_cmyk.tif", rgb.convert("CMYK"), compression="tiff_lzw")
save("tiff_jpeg_rgb.tif", rgb, compression="jpeg", quality=85)
save("tiff_jpeg_ycbcr.tif", rgb.convert("YCbCr"), compression="jpeg", quality=85)
save("tiff_jpeg_gray.tif", rgb.convert("L"), compression="jpeg", quality=85)
save("tiff_predictor2.tif", rgb, compression="tiff_lzw", tiffinfo={317: 2})
save("tiff_la.tif", Image.merge("LA", (rgb.split()[0], rgb.split()[1])))
save("tiff_rgb_float.tif", Image.fromarray((gray * 1.2 - 20).astype("float32")))
save("tiff_strips.tif", rgb, compression="tiff_adobe_deflate", tiffinfo={278: 5})
os.replace(os.path.join(here, "tiff_rgb_float.tif"), os.path.join(here, "tiff_float.tif"))
os.replace(os.path.join(here, "tiff_rgb_float.tif.want.png"), os.path.join(here, "tiff_float.tif.want.png"))

# White is zero, at all depths and compressions.
bits1 = np.array(bilevel).astype(int)
tiff("tiff_white_1.tif", W, H, [pack(1 - bits1, 1)], **tags(1, 0))
tiff("tiff_white_2.tif", W, H, [pack(3 - gray // 64, 2)], **tags(2, 0))
tiff("tiff_white_4.tif", W, H, [pack(15 - gray // 16, 4)], **tags(4, 0))
tiff("tiff_white_8.tif", W, H, [bytes(255 - gray)], **tags(8, 0))
tiff("tiff_white_8_deflate.tif", W, H, [zlib.compress(bytes(255 - gray))], **tags(8, 0, compression=8))
tiff("tiff_gray_2.tif", W, H, [pack(gray // 64, 2)], **tags(2, 1))
tiff("tiff_gray_4.tif", W, H, [pack(gray // 16, 4)], **tags(4, 1))
tiff("tiff_fill_order.tif", W, H, [bytes(int(format(v, "08b")[::-1], 2) for v in pack(bits1, 1))], **tags(1, 1, t266=(3, [2])))
for comp, name in (("group4", "tiff_group4_black.tif"), ("group3", "tiff_group3_black.tif")):
    im = bilevel.copy()
    save(name, im, compression=comp, tiffinfo={262: 1})

# Palettes of fewer bits.
pal = [int(v) * 257 for v in np.array(rgb.quantize(16).getpalette()[:48]).reshape(16, 3).T.ravel()]
idx = np.array(rgb.quantize(16))
tiff("tiff_palette_4.tif", W, H, [pack(idx, 4)], **tags(4, 3, t320=(3, pal)))

# Planes, tiles, byte orders, 16 bits, predictors, large files.
planes = [bytes(a[..., i]) for i in range(3)]
tiff("tiff_planar.tif", W, H, planes, **tags(8, 2, 3, t284=(3, [2])))
tiff("tiff_planar_deflate_strips.tif", W, H, [zlib.compress(bytes(a[y:y + 10, :, i])) for i in range(3) for y in range(0, H, 10)],
     **tags(8, 2, 3, 8, 10, t284=(3, [2])))
pad = np.zeros((48, 64, 3), "uint8")
pad[:H, :W] = a
tiles = [pad[y:y + 16, x:x + 32] for y in range(0, 48, 16) for x in range(0, 64, 32)]
tiff("tiff_tiles.tif", W, H, [zlib.compress(bytes(t)) for t in tiles], **tags(8, 2, 3, 8, t322=(3, [32]), t323=(3, [16])))
tiff("tiff_tiles_planar.tif", W, H, [bytes(t[..., i]) for i in range(3) for t in tiles],
     **tags(8, 2, 3, t284=(3, [2]), t322=(3, [32]), t323=(3, [16])))
wide = (a.astype("uint16") << 8) + 77
tiff("tiff_rgb16.tif", W, H, [wide.astype("<u2").tobytes()], **tags(16, 2, 3))
tiff("tiff_rgb16_big.tif", W, H, [wide.astype(">u2").tobytes()], big=True, **tags(16, 2, 3))
d = wide.copy()
d[:, 1:] = wide[:, 1:] - wide[:, :-1]
tiff("tiff_rgb16_predictor2.tif", W, H, [zlib.compress(d.astype("<u2").tobytes())], **tags(16, 2, 3, 8, t317=(3, [2])))
tiff("tiff_cmyk16.tif", W, H, [(np.array(rgb.convert("CMYK")).astype("<u2") * 257).tobytes()], **tags(16, 5, 4))
tiff("tiff_bigtiff.tif", W, H, [a.tobytes()], large=True, **tags(8, 2, 3))
tiff("tiff_rgbx.tif", W, H, [np.dstack([a, gray]).tobytes()], **tags(8, 2, 4, t338=(3, [0])))
al = np.clip(gray.astype(int) + 40, 1, 255)
pre = np.dstack([(a * (al[..., None] / 255)).astype("uint8"), al.astype("uint8")])
tiff("tiff_premultiplied.tif", W, H, [pre.tobytes()], **tags(8, 2, 4, t338=(3, [1])))
f = (gray * 1.3 - 30).astype("float32")
b4 = f.astype(">f4").view("uint8").reshape(H, W, 4).transpose(0, 2, 1).reshape(H, 4 * W)
p3 = b4.copy()
p3[:, 1:] = b4[:, 1:] - b4[:, :-1]
tiff("tiff_float_predictor3.tif", W, H, [zlib.compress(p3.tobytes())], **tags(32, 1, 1, 8, t339=(3, [3]), t317=(3, [3])))
# YCbCr without JPEG, 4:2:0: blocks of four luma samples and two of chroma.
ycc = np.array(rgb.crop((0, 0, 52, 36)).convert("YCbCr"))
out = b""
for y in range(0, 36, 2):
    for x in range(0, 52, 2):
        q = ycc[y:y + 2, x:x + 2]
        out += bytes(q[..., 0].ravel()) + bytes(q[..., 1:].reshape(4, 2).mean(0).astype("uint8"))
tiff("tiff_ycbcr_420.tif", 52, 36, [zlib.compress(out)], **tags(8, 6, 3, 8, t530=(3, [2, 2])))
ycc = np.array(rgb.convert("YCbCr"))
tiff("tiff_ycbcr_444.tif", W, H, [ycc.tobytes()], **tags(8, 6, 3, t530=(3, [1, 1])))
# Lab as a color-managed program writes it: within what sRGB can show.
lab = np.array(ImageCms.profileToProfile(rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"))
tiff("tiff_lab.tif", W, H, [lab.tobytes()], **tags(8, 8, 3))
