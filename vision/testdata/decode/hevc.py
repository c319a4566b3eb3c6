"""Makes the HEIC pictures of what phones do not use and x265 does not write: tiles,
slices in dependent segments, PCM. Beside each is NAME.want.png, its pixels as
Pillow's convert("RGB") gives them. Run with Pillow 13.0, pillow_heif 1.8.1 (libde265
1.1), numpy and kvazaar 2.3.1 (Debian 13): KVAZAAR=/usr/bin/kvazaar python3 hevc.py.
PCM, which no encoder at hand writes, is coded here. The pictures are drawn."""
import os, re, struct, subprocess, tempfile
import numpy as np
from PIL import Image
from heic import box, full, drawn, want


def nals(stream):
    """The units of a byte stream."""
    parts = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [p.rstrip(b"\0") for p in parts if p]


def heic(name, units, w, h, depth=8, chroma=1):
    """Puts the units of one picture into a container."""
    kinds = {}
    for u in units:
        kinds.setdefault(u[0] >> 1 & 63, []).append(u)
    level = kinds[33][0].replace(b"\0\0\3", b"\0\0")[3:15]  # profile, tier and level
    config = b"\1" + level + bytes([0xF0, 0, 0xFC, 0xFC | chroma, 0xF8 | depth - 8, 0xF8 | depth - 8, 0, 0, 0x0F, 3])
    for k in 32, 33, 34:
        config += struct.pack(">BH", 0x80 | k, len(kinds[k])) + b"".join(struct.pack(">H", len(u)) + u for u in kinds[k])
    data = b"".join(struct.pack(">I", len(u)) + u for u in units if u[0] >> 1 & 63 < 32)
    own = [box(b"hvcC", config), full(b"ispe", 0, 0, struct.pack(">II", w, h)), box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80))]

    def meta(at):
        return full(b"meta", 0, 0, full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)), full(b"pitm", 0, 0, struct.pack(">H", 1)),
                    full(b"iloc", 1, 0, b"\x44\0", struct.pack(">HHHHHII", 1, 1, 0, 0, 1, at, len(data))),
                    full(b"iinf", 0, 0, struct.pack(">H", 1), full(b"infe", 2, 0, struct.pack(">HH", 1, 0), b"hvc1", b"\0")),
                    box(b"iprp", box(b"ipco", *own), full(b"ipma", 0, 0, struct.pack(">IHB", 1, 1, 3), bytes([0x81, 2, 3]))))

    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    with open(name, "wb") as f:
        f.write(head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", data))
    want(name)


def planes(im):
    """Y, Cb and Cr, the latter of half the width and height."""
    y, cb, cr = [np.asarray(p) for p in im.convert("YCbCr").split()]
    return [y, cb[::2, ::2], cr[::2, ::2]]


def kvazaar(name, im, *options):
    """A picture by kvazaar, whose sides are multiples of 8."""
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/in.yuv", "wb") as f:
            f.write(b"".join(p.tobytes() for p in planes(im)))
        subprocess.run([os.environ["KVAZAAR"], "-i", d + "/in.yuv", "--input-res", "%dx%d" % im.size, "-o", d + "/out", "-n", "1", "-p", "1", "-q", "38", *options],
                       check=True, stderr=subprocess.DEVNULL)
        with open(d + "/out", "rb") as f:
            units = [u for u in nals(f.read()) if u[0] >> 1 & 63 < 35]
    heic(name, units, *im.size)


class Bits:
    """Bits of a header."""

    def __init__(self):
        self.b = []

    def u(self, n, v):
        self.b += [v >> n - 1 - i & 1 for i in range(n)]
        return self

    def ue(self, *values):
        for v in values:
            n = (v + 1).bit_length()
            self.u(2 * n - 1, v + 1)
        return self

    def se(self, v):
        return self.ue(2 * v - 1 if v > 0 else -2 * v)

    def align(self):
        self.u(1, 1)
        return self.u(-len(self.b) % 8, 0)

    def bytes(self):
        return bytes(sum(v << 7 - k for k, v in enumerate(self.b[i : i + 8])) for i in range(0, len(self.b), 8))


def unit(kind, payload):
    out, zeros = bytearray([kind << 1, 1]), 0
    for c in payload:
        if zeros >= 2 and c <= 3:
            out.append(3)
            zeros = 0
        out.append(c)
        zeros = zeros + 1 if c == 0 else 0
    return bytes(out)


# Tables 9-52 and 9-53 of H.265, as the decoder has them.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../internal/hevc/cabac.go")) as f:
    tables = f.read()
RANGE = [[int(v) for v in row] for row in re.findall(r"\{(\d+), (\d+), (\d+), (\d+)\}", tables)][:64]
AFTER_LPS = [int(v) for v in re.findall(r"\d+", re.search(r"afterLPS = \[64\]uint8\{(.*?)\n\}", tables, re.S)[1])]


class Coder:
    """The arithmetic encoder of section 9.3.4."""

    def __init__(self, bits, qp):
        self.bits, self.qp, self.states = bits, qp, {}
        self.start()

    def start(self):
        self.low, self.range, self.first, self.outstanding = 0, 510, True, 0

    def put(self, b):
        if self.first:
            self.first = False
        else:
            self.bits.u(1, b)
        self.bits.b += [1 - b] * self.outstanding
        self.outstanding = 0

    def renorm(self):
        while self.range < 256:
            if self.low < 256:
                self.put(0)
            elif self.low >= 512:
                self.low -= 512
                self.put(1)
            else:
                self.low -= 256
                self.outstanding += 1
            self.range <<= 1
            self.low <<= 1

    def bin(self, name, initial, v):
        if name not in self.states:
            s = max(1, min(126, ((initial >> 4) * 5 - 45) * self.qp // 16 + ((initial & 15) << 3) - 16))
            self.states[name] = [s - 64, 1] if s > 63 else [63 - s, 0]
        state = self.states[name]
        lps = RANGE[state[0]][self.range >> 6 & 3]
        self.range -= lps
        if v == state[1]:
            state[0] = min(state[0] + 1, 62)
        else:
            self.low += self.range
            self.range = lps
            if state[0] == 0:
                state[1] = 1 - state[1]
            state[0] = AFTER_LPS[state[0]]
        self.renorm()

    def bypass(self, v):
        self.low = self.low << 1
        if v:
            self.low += self.range
        if self.low >= 1024:
            self.put(1)
            self.low -= 1024
        elif self.low < 512:
            self.put(0)
        else:
            self.low -= 512
            self.outstanding += 1

    def terminate(self, v):
        self.range -= 2
        if v:
            self.low += self.range
            self.range = 2
            self.renorm()
            self.put(self.low >> 9 & 1)
            self.bits.u(2, self.low >> 7 & 3 | 1)
        else:
            self.renorm()


def pcm(name, im, luma_bits, chroma_bits, filtered, predicted, side):
    """A picture of blocks of the given side, as samples or, each predicted-th of
    them, predicted from its neighbors without a residual."""
    w, h = im.size
    log2 = side.bit_length() - 1
    level = Bits().u(8, 1).u(32, 0x60000000).u(16, 0x9000).u(32, 0).u(8, 30)
    vps = Bits().u(4, 0).u(2, 3).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF)
    vps.b += level.b
    vps.u(1, 1).ue(0, 0, 0).u(6, 0).ue(0).u(2, 0).align()
    sps = Bits().u(4, 0).u(3, 0).u(1, 1)
    sps.b += level.b
    sps.ue(0, 1, w, h).u(1, 0).ue(0, 0, 4).u(1, 1).ue(0, 0, 0)
    sps.ue(log2 - 3, 0, 0, log2 - 2, 0, 0)  # coding blocks of side, transforms of 4 to side
    sps.u(1, 0).u(1, 0).u(1, 0).u(1, 1)  # no scaling lists, no offsets; PCM
    sps.u(4, luma_bits - 1).u(4, chroma_bits - 1).ue(log2 - 3, 0).u(1, 0 if filtered else 1)
    sps.ue(0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).align()
    pps = Bits().ue(0, 0).u(1, 0).u(1, 0).u(3, 0).u(1, 0).u(1, 0).ue(0, 0).se(0).u(1, 0).u(1, 0).u(1, 0).se(0).se(0)
    pps.u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).ue(0).u(1, 0).u(1, 0).align()
    qp = 38
    bits = Bits().u(1, 1).u(1, 0).ue(0, 2).se(qp - 26).align()  # one slice of kind I
    c, n = Coder(bits, qp), 0
    yuv = planes(im)
    for y in range(0, h, side):
        for x in range(0, w, side):
            n += 1
            c.bin("part_mode", 184, 1)
            sampled = not predicted or n % predicted
            c.terminate(1 if sampled else 0)
            if sampled:
                bits.u(-len(bits.b) % 8, 0)
                for k, p in enumerate(yuv):
                    s, depth = (0, luma_bits) if k == 0 else (1, chroma_bits)
                    for row in p[y >> s : y + side >> s, x >> s : x + side >> s]:
                        for v in row:
                            bits.u(depth, int(v) >> 8 - depth)
                c.start()
            else:
                c.bin("prev_intra_luma_pred_flag", 184, 1)
                c.bypass(0)  # the most probable mode
                c.bin("intra_chroma_pred_mode", 63, 0)
                c.bin("cbf_cb", 94, 0)
                c.bin("cbf_cb", 94, 0)  # of Cr, by the same context
                c.bin("cbf_luma", 141, 0)
            c.terminate(1 if y + side >= h and x + side >= w else 0)
    bits.u(-len(bits.b) % 8, 0)
    heic(name, [unit(32, vps.bytes()), unit(33, sps.bytes()), unit(34, pps.bytes()), unit(19, bits.bytes())], w, h)


if __name__ == "__main__":
    kvazaar("heic_tiles.heic", drawn(136, 72), "--tiles", "3x2", "--no-wpp", "--sao", "full")
    # Without SAO, in which libde265 takes the slice of a chroma block wrong (docs/pictures.md); FFmpeg has the pixels that are decoded here.
    kvazaar("heic_tiles_slices.heic", drawn(104, 88), "--tiles", "2x2", "--slices", "tiles", "--sao", "off", "--deblock", "2:2")
    kvazaar("heic_tiles_uneven.heic", drawn(136, 104), "--tiles-width-split", "128", "--tiles-height-split", "64", "--no-wpp", "-q", "42", "--sao", "full")
    kvazaar("heic_wavefront.heic", drawn(104, 136), "--wpp")
    kvazaar("heic_dependent_slices.heic", drawn(88, 136), "--wpp", "--slices", "wpp", "--sao", "full", "-q", "42")
    kvazaar("heic_kvazaar_tools.heic", drawn(136, 72), "--transform-skip", "--rdoq", "--signhide", "--preset", "placebo", "-q", "34")
    kvazaar("heic_kvazaar_lossless.heic", drawn(64, 64), "--lossless", "--implicit-rdpcm")
    pcm("heic_pcm.heic", drawn(64, 48), 8, 8, True, 0, 16)
    pcm("heic_pcm_few_bits.heic", drawn(64, 64), 5, 4, True, 0, 32)
    pcm("heic_pcm_predicted.heic", drawn(64, 48), 7, 8, True, 3, 16)
    pcm("heic_pcm_unfiltered.heic", drawn(64, 48), 6, 8, False, 2, 16)
