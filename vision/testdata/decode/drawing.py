"""What make.py's successors share: drawn pictures, a writer of TIFF byte by byte,
and Pillow's pixels beside each file."""
import os, struct
import numpy as np
from PIL import Image

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


def write(name, b, compare=True):
    with open(os.path.join(here, name), "wb") as f:
        f.write(b)
    if compare:
        want(name)


def pack(rows, bits):
    """Samples of 1, 2, 4 or 12 bits to bytes, each row filled up to whole bytes."""
    out = b""
    for r in rows:
        b = "".join(format(int(v), "0%db" % bits) for v in r.ravel())
        b += "0" * (-len(b) % 8)
        out += bytes(int(b[i:i + 8], 2) for i in range(0, len(b), 8))
    return out


def tiff(name, w, h, blocks, big=False, large=False, compare=True, **tags):
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
    write(name, head + data + body + extra, compare)


def tags(bits, photometric, samples=1, compression=1, rows=None, **more):
    t = dict(t258=(3, [bits] * samples), t259=(3, [compression]), t262=(3, [photometric]), t277=(3, [samples]))
    if rows:
        t["t278"] = (4, [rows])
    t.update(more)
    return t
