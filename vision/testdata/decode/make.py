"""Makes the small pictures of this folder and, beside each, NAME.want.png: its
pixels as Pillow's convert("RGB") gives them (for exif_*, after
ImageOps.exif_transpose). Run with Pillow 9.4 on libjpeg-turbo 2.1 and libwebp
1.2: python3 make.py. The pictures are drawn here, none is a photograph."""
import io, os
import numpy as np
from PIL import Image, ImageOps

here = os.path.dirname(os.path.abspath(__file__))


def drawn(w, h, seed=0):
    """Smooth colors, hard edges and a little noise: what decoders differ on."""
    r = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w].astype(float)
    a = np.stack([127 + 120 * np.sin(x / 7 + y / 11), 255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1)], -1)
    a[(x - w * 0.6) ** 2 + (y - h * 0.4) ** 2 < (min(w, h) * 0.25) ** 2] = [250, 20, 30]
    a[(x > w * 0.1) & (x < w * 0.2)] = [10, 240, 60]
    return Image.fromarray(np.clip(a + r.normal(0, 6, a.shape), 0, 255).astype("uint8"))


def save(name, im, transpose=False, **kw):
    path = os.path.join(here, name)
    im.save(path, **kw)
    want(path, transpose)


def want(path, transpose=False):
    im = Image.open(path)
    if transpose:
        im = ImageOps.exif_transpose(im)
    im.convert("RGB").save(path + ".want.png", optimize=True)


rgb = drawn(53, 37)
for sub, s in (("444", 0), ("422", 1), ("420", 2)):
    for prog in (False, True):
        save("jpeg_%s%s.jpg" % (sub, "_progressive" if prog else ""), rgb, quality=80, subsampling=s, progressive=prog)
for w, h in ((1, 1), (2, 3), (3, 2), (5, 4), (16, 16), (17, 33)):
    save("jpeg_420_%dx%d.jpg" % (w, h), drawn(w, h, w), quality=70, subsampling=2)
save("jpeg_422_5x4.jpg", drawn(5, 4), quality=70, subsampling=1)
save("jpeg_q5.jpg", rgb, quality=5)
save("jpeg_q100.jpg", rgb, quality=100, subsampling=0)
save("jpeg_gray.jpg", rgb.convert("L"), quality=85)
save("jpeg_gray_progressive.jpg", rgb.convert("L"), quality=85, progressive=True)
save("jpeg_cmyk.jpg", rgb.convert("CMYK"), quality=90)
for o in range(1, 9):
    e = Image.Exif()
    e[274] = o
    save("exif_%d.jpg" % o, drawn(24, 16), quality=90, exif=e, transpose=True)
e = Image.Exif()
e[274] = 6
save("exif_6.png", drawn(12, 8), exif=e, transpose=True)
save("exif_8.webp", drawn(12, 8), exif=e, lossless=True, transpose=True)

save("png_rgb.png", rgb)
save("png_rgba.png", Image.merge("RGBA", rgb.split() + (drawn(53, 37, 5).split()[1],)))
save("png_la.png", Image.merge("LA", (rgb.split()[0], rgb.split()[1])))
save("png_gray.png", rgb.convert("L"))
save("png_1bit.png", rgb.convert("1"))
p = rgb.quantize(13)
save("png_palette4.png", p, bits=4)
save("png_palette_transparent.png", rgb.quantize(60), transparency=3)
save("gif_plain.gif", rgb.quantize(64))
save("gif_transparent.gif", rgb.quantize(64), transparency=5)
frames = [drawn(20, 15, i).quantize(16) for i in range(3)]
save("gif_animated.gif", frames[0], save_all=True, append_images=frames[1:], duration=50)
save("bmp_24.bmp", rgb)
save("bmp_palette.bmp", rgb.quantize(100))
save("bmp_gray.bmp", rgb.convert("L"))
save("bmp_32.bmp", Image.merge("RGBA", rgb.split() + (rgb.split()[2],)))
save("webp_lossy.webp", rgb, quality=60)
save("webp_lossy_1x1.webp", drawn(1, 1), quality=60)
save("webp_lossy_16x2.webp", drawn(16, 2), quality=60)
save("webp_lossy_alpha.webp", Image.merge("RGBA", rgb.split() + (rgb.split()[1],)), quality=60)
save("webp_lossless.webp", rgb, lossless=True)
for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
    save("tiff_%s.tif" % c.replace("tiff_", ""), rgb, compression=c)
save("tiff_gray.tif", rgb.convert("L"))
save("tiff_palette.tif", rgb.quantize(50))
save("tiff_rgba.tif", Image.merge("RGBA", rgb.split() + (rgb.split()[1],)))
save("tiff_bilevel.tif", rgb.convert("1"))

# Sampling that Pillow does not write. Another file with as many blocks per MCU
# and as many MCUs, with the factors in its header replaced, is a valid picture,
# if not a pretty one.
for name, sub, size, old, new in (
    ("1x2", 1, (32, 32), b"\x01\x21\x00", b"\x01\x12\x00"),
    ("4x1", 2, (64, 64), b"\x01\x22\x00", b"\x01\x41\x00"),
    ("1x4", 2, (64, 64), b"\x01\x22\x00", b"\x01\x14\x00"),
):
    f = io.BytesIO()
    drawn(*size).save(f, "JPEG", quality=80, subsampling=sub)
    path = os.path.join(here, "jpeg_sampling_%s.jpg" % name)
    assert f.getvalue().count(old) == 1
    open(path, "wb").write(f.getvalue().replace(old, new))
    want(path)
