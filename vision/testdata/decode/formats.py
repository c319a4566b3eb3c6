"""Makes the rarer kinds of TIFF, BMP, PNM, ICO, TGA, WebP and JPEG in this folder
and, beside each, NAME.want.png: its pixels as Pillow's convert("RGB") gives them.
Run with Pillow 13.0 (PyPI), numpy and libjpeg-turbo 2.1's cjpeg: python3 formats.py. What Pillow cannot
write (planes, tiles, floats, 16-bit bitmaps) is written byte by byte here. The
pictures are drawn, none is a photograph."""
import os, struct, subprocess, zlib
import numpy as np
from PIL import Image, ImageCms
from drawing import drawn, here, pack, save, tags, tiff, want, write

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


# BMP: 16 bits, masks, run lengths, OS/2's header, rows from the top.
def bmp(name, w, h, bits, data, compression=0, masks=(), palette=b"", colors=0, core=False):
    if core:
        head = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, compression, len(data), 2835, 2835, colors, 0)
    head += b"".join(struct.pack("<I", m) for m in masks) + palette
    write(name, b"BM" + struct.pack("<IHHI", 14 + len(head) + len(data), 0, 0, 14 + len(head)) + head + data)


def rows(lines, width):
    """Rows from the lowest up, each of whole words of 4 bytes."""
    return b"".join(bytes(r).ljust((width + 31) // 32 * 4, b"\0") for r in lines[::-1])


r, g, b = (a[..., i].astype("uint16") for i in range(3))
x555 = (r >> 3) << 10 | (g >> 3) << 5 | b >> 3
x565 = (r >> 3) << 11 | (g >> 2) << 5 | b >> 3
bmp("bmp_555.bmp", W, H, 16, rows([v.astype("<u2").tobytes() for v in x555], 16 * W))
bmp("bmp_565.bmp", W, H, 16, rows([v.astype("<u2").tobytes() for v in x565], 16 * W), 3, (0xF800, 0x7E0, 0x1F))
bmp("bmp_top_down.bmp", W, -H, 24, rows([v.tobytes() for v in a[::-1, :, ::-1]], 24 * W))
swapped = np.dstack([np.zeros((H, W), "uint8"), a[..., ::-1]])
bmp("bmp_32_fields.bmp", W, H, 32, swapped[::-1].tobytes(), 3, (0xFF000000, 0xFF0000, 0xFF00))
q = rgb.quantize(200)
pal8 = b"".join(bytes(q.getpalette()[3 * i:3 * i + 3][::-1]) + b"\0" for i in range(len(q.getpalette()) // 3))
q4 = rgb.quantize(16)
pal4 = b"".join(bytes(q4.getpalette()[3 * i:3 * i + 3][::-1]) + b"\0" for i in range(16))
out = b""
for y, line in enumerate(np.array(q)[::-1]):
    if y % 3 == 2:  # as they are, with a byte to fill up
        out += b"\0" + bytes([W]) + bytes(line) + b"\0" * (W % 2)
    else:
        for v in line:
            out += b"\1" + bytes([v])
    out += b"\0\0"
bmp("bmp_rle8.bmp", W, H, 8, out + b"\0\1", 1, palette=pal8, colors=len(pal8) // 4)
out = b""
for y, line in enumerate(np.array(q4)[::-1]):
    if y == 5:  # a step over a row and a half
        out += b"\0\2\x14\1"
        continue
    if y == 6:
        line = line[20:]
    if y % 2:
        p = list(line) + [0] * (-len(line) % 4)
        out += b"\0" + bytes([len(line)]) + bytes(p[i] << 4 | p[i + 1] for i in range(0, len(p), 2))
    else:
        for i in range(0, len(line), 2):
            two = list(line[i:i + 2]) + [0]
            out += bytes([min(2, len(line) - i), two[0] << 4 | two[1]])
    out += b"\0\0"
bmp("bmp_rle4.bmp", W, H, 4, out + b"\0\1", 2, palette=pal4, colors=16)
bmp("bmp_os2.bmp", W, H, 8, rows(np.array(q), 8 * W), core=True,
    palette=b"".join(pal8[i:i + 3] for i in range(0, len(pal8), 4)).ljust(768, b"\0"))
bmp("bmp_1.bmp", W, H, 1, rows([pack([v], 1) for v in bits1], W), palette=b"\x20\x40\xc0\0\xf0\xe0\x10\0", colors=2)
bmp("bmp_4.bmp", W, H, 4, rows([pack([v], 4) for v in np.array(q4)], 4 * W), palette=pal4, colors=16)

# Netpbm.
save("pnm_p4.pbm", bilevel)
save("pnm_p5.pgm", rgb.convert("L"))
save("pnm_p6.ppm", rgb)
text = lambda v: b" ".join(b"%d" % i for i in v.ravel())
write("pnm_p1.pbm", b"P1 # drawn\n%d %d\n" % (W, H) + text(1 - bits1))
write("pnm_p2.pgm", b"P2\n# drawn\n%d %d\n100\n" % (W, H) + text(gray.astype(int) * 100 // 255))
write("pnm_p3.ppm", b"P3\n%d %d 31\n" % (W, H) + text(a >> 3))
write("pnm_p5_77.pgm", b"P5 %d %d 77\n" % (W, H) + bytes((gray.astype(int) * 77 // 255).astype("uint8")))
write("pnm_p6_16.ppm", b"P6 %d %d 65535\n" % (W, H) + (a.astype(">u2") * 256 + 99).astype(">u2").tobytes())
save("pnm_pf.pfm", Image.fromarray((gray * 1.2 - 20).astype("float32")))

# Targa.
for rle in (False, True):
    c = "_rle" if rle else ""
    for im, n in ((rgb, "rgb"), (rgb.convert("L"), "gray"), (q, "palette"), (Image.merge("RGBA", rgb.split() + (rgb.split()[0],)), "rgba")):
        save("tga_%s%s.tga" % (n, c), im, compression="tga_rle" if rle else None)
head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, W, H, 16, 0x20)
write("tga_16_top_down.tga", head + x555.astype("<u2").tobytes())

# Bitmaps without a file header.
save("dib_24.dib", drawn(31, 17))
save("dib_palette.dib", drawn(31, 17).quantize(64))

# Icons: bitmaps of several depths, and a PNG.
save("ico_png.ico", drawn(48, 48), sizes=[(16, 16), (48, 48)])
save("ico_bmp.ico", drawn(32, 32), sizes=[(16, 16), (32, 32)], bitmap_format="bmp")
save("ico_palette.ico", drawn(32, 32).quantize(64), sizes=[(32, 32)], bitmap_format="bmp")

# WebP animations: on the whole canvas, and a first frame that is a part of it
# (Pillow's encoder crops what is transparent).
second = drawn(W, H, 3)
save("webp_animated.webp", rgb, save_all=True, append_images=[second], quality=60, duration=100)
save("webp_animated_lossless.webp", rgb, save_all=True, append_images=[second], lossless=True, duration=100)
clear = Image.new("RGBA", (W, H))
clear.paste(rgb.crop((0, 0, 21, 15)), (10, 8))
save("webp_animated_part.webp", clear, save_all=True, append_images=[second.convert("RGBA")], lossless=True, minimize_size=True, duration=100)
part = Image.merge("RGBA", rgb.split() + (rgb.split()[1],))
save("webp_animated_alpha.webp", part, save_all=True, append_images=[second.convert("RGBA")], quality=60, duration=100)

# JPEG with arithmetic coding.
def cjpeg(name, im, *options):
    ppm = b"P6 %d %d 255\n" % im.size + im.convert("RGB").tobytes()
    write(name, subprocess.run(["cjpeg", "-arithmetic", *options], input=ppm, stdout=subprocess.PIPE, check=True).stdout)


cjpeg("jpeg_arithmetic.jpg", rgb, "-quality", "85")
cjpeg("jpeg_arithmetic_progressive.jpg", rgb, "-quality", "85", "-progressive")
cjpeg("jpeg_arithmetic_restarts.jpg", rgb, "-quality", "95", "-restart", "3B", "-sample", "1x1")
cjpeg("jpeg_arithmetic_progressive_restarts.jpg", rgb, "-quality", "60", "-progressive", "-restart", "1")
cjpeg("jpeg_arithmetic_gray.jpg", rgb, "-quality", "100", "-grayscale")
