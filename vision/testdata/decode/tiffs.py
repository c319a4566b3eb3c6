"""Makes kinds of TIFF that scanners, fax programs, microscopes and old programs
write, and, beside each, NAME.want.png: its pixels as Pillow's convert("RGB") gives
them, or, for files that Pillow refuses or mistakes (known), the pixels that were
written. Run with Pillow 13.0 (PyPI) and numpy: python3 tiffs.py. What Pillow cannot
write is written byte by byte here. The pictures are drawn, none is a photograph."""
import io, os, zlib
import numpy as np
from PIL import Image
import drawing
from drawing import drawn, here, pack, save, tags, tiff, write

W, H = 53, 37
rgb = drawn(W, H)
a = np.array(rgb)
gray = np.array(rgb.convert("L"))
bilevel = rgb.convert("1")
bits1 = np.array(bilevel).astype(int)
cmyk = np.array(rgb.convert("CMYK"))


def known(pixels, name, w, h, blocks, **kw):
    """A TIFF whose pixels are these, whatever Pillow makes of them."""
    drawing.tiff(name, w, h, blocks, compare=False, **kw)
    Image.fromarray(np.asarray(pixels, "uint8")).convert("RGB").save(os.path.join(here, name + ".want.png"), optimize=True)


# Long runs, so that all code words of fax compression are there, beside noise.
wide = Image.new("1", (3000, 12), 1)
for y in range(12):
    x = 0
    for n in np.random.RandomState(y).randint(0, [2600, 70, 9, 200][y % 4], 300):
        if x < 3000 and n:
            wide.paste(int(n) % 2 if y % 3 else (x // 7) % 2, (x, y, min(x + int(n), 3000), y + 1))
        x += int(n)

# Fax: lengths of runs alone (2), group 3 with line ends, in one dimension and two,
# with line ends on whole bytes, in reversed bit order, in strips, and group 4.
for name, im in (("", bilevel), ("_wide", wide)):
    save("fax_huffman%s.tif" % name, im, compression="tiff_ccitt")
    save("fax_group3_2d%s.tif" % name, im, compression="group3", tiffinfo={292: 1})
    save("fax_group3_fill%s.tif" % name, im, compression="group3", tiffinfo={292: 4})
    save("fax_group3_2d_fill%s.tif" % name, im, compression="group3", tiffinfo={292: 5})
    save("fax_group4%s.tif" % name, im, compression="group4")
save("fax_huffman_strips.tif", bilevel, compression="tiff_ccitt", tiffinfo={278: 5})
save("fax_group3_2d_strips.tif", bilevel, compression="group3", tiffinfo={292: 1, 278: 7})
save("fax_group3_reversed.tif", bilevel, compression="group3", tiffinfo={292: 1, 266: 2})
save("fax_huffman_reversed.tif", bilevel, compression="tiff_ccitt", tiffinfo={266: 2})

# JPEG within TIFF.
save("tiff_jpeg_cmyk.tif", rgb.convert("CMYK"), compression="jpeg", quality=85)
save("tiff_jpeg_strips.tif", drawn(W, 61), compression="jpeg", quality=85, tiffinfo={278: 16})


def jpeg(im, **kw):
    b = io.BytesIO()
    im.save(b, "JPEG", **kw)
    return b.getvalue()


pad = np.zeros((48, 64, 4), "uint8")
pad[:H, :W, :3] = a
padk = np.zeros((48, 64, 4), "uint8")
padk[:H, :W] = cmyk
grid = [(y, x) for y in range(0, 48, 16) for x in range(0, 64, 32)]
tiled = dict(t322=(3, [32]), t323=(3, [16]))
cut = lambda p: [p[y:y + 16, x:x + 32] for y, x in grid]
tiff("tiff_jpeg_tiles.tif", W, H, [jpeg(Image.fromarray(t[..., :3].copy()), quality=90, subsampling=0) for t in cut(pad)],
     **tags(8, 6, 3, 7, t530=(3, [1, 1]), **tiled))
tiff("tiff_jpeg_tiles_420.tif", W, H, [jpeg(Image.fromarray(t[..., :3].copy()), quality=90, subsampling=2) for t in cut(pad)],
     **tags(8, 6, 3, 7, t530=(3, [2, 2]), **tiled))
tiff("tiff_jpeg_tiles_gray.tif", W, H, [jpeg(Image.fromarray(t[..., 1].copy()), quality=90) for t in cut(pad)], **tags(8, 1, 1, 7, **tiled))
tiff("tiff_jpeg_planar.tif", W, H, [jpeg(Image.fromarray(a[..., i].copy()), quality=90) for i in range(3)], **tags(8, 2, 3, 7, t284=(3, [2])))


# JPEG as TIFF 6.0 had it: the whole file in one place (tags 513, 514).
def old(file, photometric, samples, **more):
    return tags(8, photometric, samples, 6, t513=(4, [8]), t514=(4, [len(file)]), t512=(3, [1]), **more)


for n, sub in (("", 2), ("_444", 0)):
    j = jpeg(rgb, quality=90, subsampling=sub)
    tiff("tiff_old_jpeg%s.tif" % n, W, H, [j], **old(j, 6, 3, t530=(3, [1 + sub // 2] * 2)))
j = jpeg(rgb.convert("L"), quality=90)
known(Image.open(io.BytesIO(j)), "tiff_old_jpeg_gray.tif", W, H, [j], **old(j, 1, 1))

# 12 bits, 16 bits, signs and floats.
g12 = (gray.astype(int) << 4) + 9
known(gray, "tiff_gray_12.tif", W, H, [pack(g12, 12)], **tags(12, 1))
known(gray, "tiff_gray_12_big.tif", W, H, [pack(g12, 12)], big=True, **tags(12, 1))
g16 = gray.astype("uint16")
known(255 - gray, "tiff_gray_16_white.tif", W, H, [(g16 * 256 + 99).astype("<u2").tobytes()], **tags(16, 0))
tiff("tiff_gray_16_signed.tif", W, H, [(g16.astype("<i2") - 30).astype("<i2").tobytes()], **tags(16, 1, t339=(3, [2])))
tiff("tiff_gray_32.tif", W, H, [gray.astype("<u4").tobytes()], **tags(32, 1))
w16 = (np.dstack([a, gray]).astype("uint16") << 8) + 77
tiff("tiff_rgba_16.tif", W, H, [w16.astype("<u2").tobytes()], **tags(16, 2, 4, t338=(3, [2])))
tiff("tiff_rgbx_16_big.tif", W, H, [w16.astype(">u2").tobytes()], big=True, **tags(16, 2, 4, t338=(3, [0])))
pre = (w16.astype(float) * (w16[..., 3:] / 65535)).astype("uint16")
pre[..., 3] = w16[..., 3]
tiff("tiff_premultiplied_16.tif", W, H, [pre.astype("<u2").tobytes()], **tags(16, 2, 4, t338=(3, [1])))
known(a, "tiff_rgb_16_planar.tif", W, H, [w16[..., i].astype("<u2").tobytes() for i in range(3)], **tags(16, 2, 3, t284=(3, [2])))
pad16 = np.zeros((48, 64, 3), "uint16")
pad16[:H, :W] = w16[..., :3]
d = pad16.copy()
diff = lambda t: np.concatenate([t[:, :1], t[:, 1:] - t[:, :-1]], 1)
tiff("tiff_rgb_16_tiles_predictor2.tif", W, H, [zlib.compress(diff(t).astype("<u2").tobytes()) for t in cut(pad16)], **tags(16, 2, 3, 8, t317=(3, [2]), **tiled))
tiff("tiff_cmyk_tiles.tif", W, H, [zlib.compress(t.tobytes()) for t in cut(padk)], **tags(8, 5, 4, 8, **tiled))
tiff("tiff_cmyk_planar.tif", W, H, [bytes(cmyk[..., i]) for i in range(4)], **tags(8, 5, 4, t284=(3, [2])))
f = np.zeros((48, 64), "float32")
f[:H, :W] = gray * 1.3 - 30


def floats(t):
    b = t.astype(">f4").view("uint8").reshape(t.shape[0], t.shape[1], 4).transpose(0, 2, 1).reshape(t.shape[0], -1)
    return zlib.compress(diff(b).tobytes())


tiff("tiff_float_tiles_predictor3.tif", W, H, [floats(t) for t in cut(f)], **tags(32, 1, 1, 8, t339=(3, [3]), t317=(3, [3]), **tiled))
known(np.clip(f[:H, :W], 0, 255), "tiff_float_strips_predictor3_big.tif", W, H, [floats(f[y:min(y + 9, H), :W]) for y in range(0, H, 9)], big=True,
     **tags(32, 1, 1, 8, 9, t339=(3, [3]), t317=(3, [3])))

# YCbCr in planes, of one size; BigTIFF in the other byte order, in tiles; palette in tiles.
ycc = np.array(rgb.convert("YCbCr"))
known(Image.fromarray(ycc, "YCbCr").convert("RGB"), "tiff_ycbcr_planar.tif", W, H, [bytes(ycc[..., i]) for i in range(3)], **tags(8, 6, 3, t530=(3, [1, 1]), t284=(3, [2])))
known(a, "tiff_bigtiff_tiles_big.tif", W, H, [t[..., :3].tobytes() for t in cut(pad)], big=True, large=True, **tags(8, 2, 3, **tiled))
q = rgb.quantize(200)
pal = [int(v) * 257 for v in (q.getpalette() + [0] * 768)[:768]]
padq = np.zeros((48, 64), "uint8")
padq[:H, :W] = np.array(q)
tiff("tiff_palette_tiles.tif", W, H, [t.tobytes() for t in cut(padq)], **tags(8, 3, t320=(3, pal[0::3] + pal[1::3] + pal[2::3]), **tiled))
padb = np.zeros((48, 64), int)
padb[:H, :W] = bits1
tiff("tiff_bilevel_tiles.tif", W, H, [pack(t, 1) for t in cut(padb)], **tags(1, 1, **tiled))

# Several pages: the first. Turned as a scanner says.
b = io.BytesIO()
rgb.save(b, "TIFF", save_all=True, append_images=[drawn(20, 30, 5), drawn(10, 10, 6)], compression="tiff_lzw")
write("tiff_pages.tif", b.getvalue())
