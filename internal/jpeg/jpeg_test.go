package jpeg

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// flat writes gray JPEGs of flat blocks: enough of an encoder to place restart
// markers where the tests want them.
type flat struct {
	w, h, interval int
	levels         []int // per block, 0 to 255, in steps of 1
}

// encode returns the picture; cut may change the entropy-coded segments, one
// per restart interval.
func (f flat) encode(cut func(segments [][]byte) [][]byte) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}
	for range 64 {
		b = append(b, 8) // DC step 8: one level of the samples
	}
	b = append(b, 0xff, 0xc0, 0, 11, 8, byte(f.h>>8), byte(f.h), byte(f.w>>8), byte(f.w), 1, 1, 0x11, 0)
	// Nine DC codes of 4 bits for sizes 0..8, one AC code of 1 bit for end of block.
	b = append(b, 0xff, 0xc4, 0, 28, 0x00, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	b = append(b, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if f.interval > 0 {
		b = append(b, 0xff, 0xdd, 0, 4, byte(f.interval>>8), byte(f.interval))
	}
	b = append(b, 0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0)
	var segments [][]byte
	interval := f.interval
	if interval == 0 {
		interval = len(f.levels)
	}
	for i := 0; i < len(f.levels); i += interval {
		segments = append(segments, dcSegment(f.levels[i:min(i+interval, len(f.levels))]))
	}
	if cut != nil {
		segments = cut(segments)
	}
	for i, s := range segments {
		if i > 0 {
			b = append(b, 0xff, byte(mRST0+(i-1)&7))
		}
		b = append(b, s...)
	}
	return append(b, 0xff, 0xd9)
}

func dcSegment(levels []int) (out []byte) {
	acc, n := uint64(0), 0
	put := func(v uint64, k int) {
		acc, n = acc<<k|v, n+k
		for n >= 8 {
			c := byte(acc >> (n - 8))
			if out = append(out, c); c == 0xff {
				out = append(out, 0)
			}
			n -= 8
		}
	}
	pred := 0
	for _, l := range levels {
		diff := l - 128 - pred
		pred = l - 128
		size, abs := 0, max(diff, -diff)
		for abs>>size > 0 {
			size++
		}
		put(uint64(size), 4)
		if diff < 0 {
			diff += 1<<size - 1
		}
		put(uint64(diff), size)
		put(0, 1)
	}
	if n > 0 {
		put(1<<(8-n)-1, 8-n)
	}
	return out
}

// blocks decodes and returns the level of each block, which must be flat.
func blocks(t *testing.T, b []byte, strict bool) ([]int, error) {
	t.Helper()
	var pix []uint8
	var w, h int
	err := Decode(b, strict, func(pw, ph int) []uint8 {
		w, h = pw, ph
		pix = make([]uint8, 3*w*h)
		return pix
	})
	if err != nil {
		return nil, err
	}
	var out []int
	for y := 0; y < h; y += 8 {
		for x := 0; x < w; x += 8 {
			v := pix[3*(y*w+x)]
			for dy := range min(8, h-y) {
				for dx := range min(8, w-x) {
					if pix[3*((y+dy)*w+x+dx)] != v {
						t.Fatalf("block at (%d,%d) is not flat", x, y)
					}
				}
			}
			out = append(out, int(v))
		}
	}
	return out, nil
}

func TestRestartMarkers(t *testing.T) {
	f := flat{w: 75, h: 22} // 10 by 3 blocks
	for i := range 30 {
		f.levels = append(f.levels, i*83%256)
	}
	for _, interval := range []int{0, 1, 2, 3, 7, 10, 29, 30, 100} {
		f.interval = interval
		got, err := blocks(t, f.encode(nil), true)
		if err != nil {
			t.Fatalf("interval %d: %v", interval, err)
		}
		for i, v := range got {
			if v != f.levels[i] {
				t.Errorf("interval %d: block %d is %d, want %d", interval, i, v, f.levels[i])
			}
		}
	}
}

// TestRestartDamage loses or spoils segments: the picture is decoded, later
// segments land where they belong, and Strict says that something is wrong.
func TestRestartDamage(t *testing.T) {
	f := flat{w: 80, h: 24, interval: 5}
	for i := range 30 {
		f.levels = append(f.levels, 100+i)
	}
	for _, c := range []struct {
		name string
		cut  func([][]byte) [][]byte
		good []int // blocks that must be right
	}{
		{"a segment is short", func(s [][]byte) [][]byte { s[1] = s[1][:1]; return s }, []int{0, 4, 10, 14, 29}},
		{"a segment is long", func(s [][]byte) [][]byte { s[1] = append(s[1], 1, 2, 3); return s }, []int{0, 4, 5, 9, 10, 29}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := f.encode(c.cut)
			got, err := blocks(t, b, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range c.good {
				if got[i] != f.levels[i] {
					t.Errorf("block %d is %d, want %d", i, got[i], f.levels[i])
				}
			}
			if _, err := blocks(t, b, true); !errors.Is(err, ErrCorrupt) {
				t.Errorf("strict: %v, want ErrCorrupt", err)
			}
		})
	}
	// A marker is lost altogether: the one after it is two ahead.
	b := f.encode(nil)
	i := strings.Index(string(b), "\xff\xd1")
	b = append(b[:i:i], b[i+2:]...)
	got, err := blocks(t, b, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 9, 20, 29} {
		if got[i] != f.levels[i] {
			t.Errorf("lost marker: block %d is %d, want %d", i, got[i], f.levels[i])
		}
	}
}

func TestTruncated(t *testing.T) {
	f := flat{w: 200, h: 200}
	for i := range 25 * 25 {
		f.levels = append(f.levels, i*83%256)
	}
	b := f.encode(nil)
	for _, n := range []int{1, 2, 3, 30, 100, 150, 200, len(b) / 2, len(b) - 20} {
		if _, err := blocks(t, b[:n], false); err == nil {
			t.Errorf("%d of %d bytes were accepted", n, len(b))
		} else if n > 2 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: %v, want io.ErrUnexpectedEOF", n, len(b), err)
		}
	}
	if _, err := blocks(t, b[:len(b)-2], true); err != nil {
		t.Errorf("without the end marker: %v", err)
	}
}

func TestScanLimit(t *testing.T) {
	b := flat{w: 8, h: 8, levels: []int{9}}.encode(nil)
	// A progressive picture that never completes its scans.
	i := strings.Index(string(b), "\xff\xc0")
	b[i+1] = 0xc2
	s := strings.Index(string(b), "\xff\xda")
	b[s+8] = 0 // only DC
	scan := append([]byte(nil), b[s:len(b)-2]...)
	for range maxScans + 1 {
		b = append(b[:len(b)-2], append(append([]byte(nil), scan...), 0xff, 0xd9)...)
	}
	if _, err := blocks(t, b, false); err == nil || !strings.Contains(err.Error(), "scans") {
		t.Errorf("%v; want an error about scans", err)
	}
}

// TestIDCT compares with the definition in float64: libjpeg's integer method
// is within 1 of it, and blocks that take a short way are equal to the long.
func TestIDCT(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		var b, c [64]int32
		mask := uint64(1)
		for range r.IntN(20) {
			k := r.IntN(64)
			if round%3 == 0 {
				k &= 7 // one row of coefficients: flat columns
			}
			b[k] = int32(r.IntN(400) - 200)
			mask |= 1 << k
		}
		b[0] = int32(r.IntN(1600) - 800)
		c = b
		var got, long [64]uint8
		want := exactIDCT(&b)
		idct(&b, mask, got[:], 8)
		idct(&c, math.MaxUint64, long[:], 8)
		if got != long {
			t.Fatalf("round %d: the short way differs from the long", round)
		}
		for i, v := range got {
			if d := math.Abs(float64(v) - max(0, min(want[i]+128, 255))); d > 1 {
				t.Fatalf("round %d, sample %d: %d, exactly %.3f", round, i, v, want[i]+128)
			}
		}
	}
}

func exactIDCT(b *[64]int32) (out [64]float64) {
	scale := func(k int) float64 {
		if k == 0 {
			return math.Sqrt(0.125)
		}
		return 0.5
	}
	for y := range 8 {
		for x := range 8 {
			s := 0.0
			for v := range 8 {
				for u := range 8 {
					s += scale(u) * scale(v) * float64(b[8*v+u]) *
						math.Cos(float64(2*x+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*y+1)*float64(v)*math.Pi/16)
				}
			}
			out[8*y+x] = s
		}
	}
	return out
}

// TestBits reads random bits, with stuffed zeros, through both ways of filling.
func TestBits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var plain, stuffed []byte
	for range 5000 {
		v := byte(r.Uint32())
		if r.IntN(9) == 0 {
			v = 0xff
		}
		plain = append(plain, v)
		if stuffed = append(stuffed, v); v == 0xff {
			stuffed = append(stuffed, 0)
		}
	}
	b := bits{data: append(stuffed, 0xff, 0xd9)}
	for at := 0; at < 8*len(plain)-16; {
		k := uint(r.IntN(17))
		want := uint32(0)
		for i := range int(k) {
			want = want<<1 | uint32(plain[(at+i)/8]>>(7-(at+i)%8))&1
		}
		if got := b.get(k); got != want {
			t.Fatalf("bits %d to %d: %b, want %b", at, at+int(k), got, want)
		}
		at += int(k)
	}
	if b.starved() {
		t.Error("starved before the end")
	}
	for range 10 {
		b.get(16)
	}
	if !b.starved() || b.eof {
		t.Errorf("past the marker: starved %v, at the end of the file %v; want true, false", b.starved(), b.eof)
	}
}

func TestExtend(t *testing.T) {
	for _, c := range []struct {
		v, k uint32
		want int32
	}{{0, 0, 0}, {0, 1, -1}, {1, 1, 1}, {0, 2, -3}, {1, 2, -2}, {2, 2, 2}, {3, 2, 3}, {0, 11, -2047}, {2047, 11, 2047}, {0, 15, -32767}} {
		if got := extend(c.v, uint(c.k)); got != c.want {
			t.Errorf("extend(%d, %d) = %d, want %d", c.v, c.k, got, c.want)
		}
	}
}

func BenchmarkIDCT(b *testing.B) {
	var c [64]int32
	var dst [64]uint8
	for b.Loop() {
		c = [64]int32{0: 500, 1: 40, 2: -13, 8: 33, 9: 7, 16: -20, 17: 5, 24: 3}
		idct(&c, 1|1<<1|1<<2|1<<8|1<<9|1<<16|1<<17|1<<24, dst[:], 8)
	}
}

// TestTablesAreNotMistaken decodes with one decoder files whose code tables
// differ in the symbols alone, in the counts alone, and not at all.
func TestTablesAreNotMistaken(t *testing.T) {
	var h huffman
	lookup := func(counts, symbols []byte) uint16 {
		t.Helper()
		if _, err := h.build(counts, symbols); err != nil {
			t.Fatal(err)
		}
		return h.short[0]
	}
	two, other := make([]byte, 16), make([]byte, 16)
	two[1], other[2] = 2, 2
	for _, c := range []struct {
		counts, symbols []byte
		want            uint16
	}{
		{two, []byte{5, 6}, 2<<8 | 5},
		{two, []byte{5, 6}, 2<<8 | 5},
		{two, []byte{7, 6}, 2<<8 | 7},
		{other, []byte{7, 6}, 3<<8 | 7},
		{two, []byte{5, 6}, 2<<8 | 5},
	} {
		if got := lookup(c.counts, c.symbols); got != c.want {
			t.Errorf("counts %v, symbols %v: entry %#x, want %#x", c.counts, c.symbols, got, c.want)
		}
	}
	bad := make([]byte, 16)
	bad[0] = 3
	if _, err := h.build(bad, []byte{1, 2, 3}); err == nil {
		t.Error("three codes of one bit were accepted")
	}
	if got := lookup(two, []byte{5, 6}); got != 2<<8|5 {
		t.Errorf("after a bad table: entry %#x", got)
	}
}
