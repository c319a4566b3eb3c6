package pixel

import (
	"math"
	"os"
	"regexp"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/rng"
)

// vector skips a test of the assembly where there is none.
func vector(t testing.TB) {
	if table.Active().Row == nil {
		t.Skip("no assembly at this level of this processor")
	}
}

// guarded is a slice of n bytes with guard bytes around it.
type guarded struct{ all, s []uint8 }

const (
	guard     = 64
	guardByte = 0xa5
)

func newGuarded(n int) guarded {
	g := guarded{all: make([]uint8, n+2*guard)}
	for i := range g.all {
		g.all[i] = guardByte
	}
	g.s = g.all[guard : guard+n : guard+n]
	return g
}

func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.all {
		if v != guardByte && (i < guard || i >= guard+len(g.s)) {
			t.Fatalf("%s: wrote outside its slice, at %d of %d", what, i-guard, len(g.s))
		}
	}
}

func randomBytes(n int, r *rng.Stream) []uint8 {
	b := make([]uint8, n)
	for i := range b {
		b[i] = uint8(r.Uint64())
	}
	return b
}

// randomTaps are n taps that sum to about 2²², as Pillow's; from three on the
// outer ones are negative, by as much as bicubic's and more.
func randomTaps(n int, r *rng.Stream) []int32 {
	k := make([]int32, n)
	sum, outer := 0.0, 0.0
	w := make([]float64, n)
	for i := range w {
		w[i] = r.Float64()
		if n > 2 && (i == 0 || i == n-1) {
			w[i] = -0.4 * w[i] / float64(n)
			outer += w[i]
		}
		sum += w[i]
	}
	for i := range k {
		k[i] = int32(math.RoundToEven(w[i] / sum * (1 << 22)))
	}
	return k
}

func TestColumns(t *testing.T) {
	vector(t)
	r := rng.New(1)
	for _, n := range []int{0, 1, 3, 15, 16, 17, 31, 48, 100, 1380} {
		for _, taps := range []int{1, 2, 3, 7, maxTaps, maxTaps + 1} {
			size, lo := taps+2, 5
			ring := randomBytes(size*(n+1), r)
			if taps == 2 {
				for i := range ring {
					ring[i] = 255
				}
			}
			k := randomTaps(taps, r)
			got, want := newGuarded(n), make([]uint8, n)
			Columns(got.s, ring, n+1, lo, size, k)
			columns(want, ring, n+1, lo, size, k)
			got.check(t, "Columns")
			if string(got.s) != string(want) {
				t.Errorf("%d samples, %d taps: differs from the twin", n, taps)
			}
		}
	}
}

func TestRow(t *testing.T) {
	vector(t)
	r := rng.New(2)
	for _, n := range []int{1, 2, 3, 8, 33, 460} {
		for _, w := range []int{1, 2, 5, 100} {
			size := 5
			first, count := make([]int32, n), make([]int32, n)
			k := make([]int32, n*size)
			for i := range n {
				c := 1 + r.IntN(min(size, w))
				first[i], count[i] = int32(r.IntN(w-c+1)), int32(c)
				copy(k[i*size:], randomTaps(c, r))
			}
			src := randomBytes(3*w+1, r)
			got, want := newGuarded(3*n+1), make([]uint8, 3*n)
			taps := &FixedTaps{size, first, count, k}
			taps.Row(got.s, src, w)
			taps.row(want, src)
			got.check(t, "Row")
			if string(got.s[:3*n]) != string(want) {
				t.Errorf("%d of %d pixels: differs from the twin", n, w)
			}
			// Without a byte to spare the twin runs, with the same result.
			taps.Row(got.s, src[:3*w:3*w], w)
			if string(got.s[:3*n]) != string(want) {
				t.Errorf("%d of %d pixels, exact slice: differs from the twin", n, w)
			}
		}
	}
}

func TestWeighRows(t *testing.T) {
	vector(t)
	r := rng.New(3)
	for _, n := range []int{1, 7, 31, 32, 33, 64, 672, 1290} {
		for _, taps := range []int{1, 2, 4, maxTaps + 1} {
			size, lo := taps+1, 3
			ring := make([]float32, size*n)
			for i := range ring {
				ring[i] = r.Float32() * 255
			}
			w := make([]float32, taps)
			for i := range w {
				w[i] = r.Float32() / float32(taps)
			}
			all := make([]float32, n+32)
			for i := range all {
				all[i] = -7
			}
			got, want := all[16:16+n:16+n], make([]float32, n)
			WeighRows(got, ring, lo, size, w)
			weighRows(want, ring, 0, lo, size, w)
			for i, v := range got {
				// One rounding less per product than the twin's.
				if math.Abs(float64(v-want[i])) > 1e-3 {
					t.Fatalf("%d floats, %d taps: %v at %d, want %v", n, taps, v, i, want[i])
				}
			}
			for i, v := range all {
				if v != -7 && (i < 16 || i >= 16+n) {
					t.Fatalf("%d floats: wrote outside, at %d", n, i-16)
				}
			}
		}
	}
}

func TestYCCBounds(t *testing.T) {
	vector(t)
	r := rng.New(4)
	for n := range 70 {
		y, cb, cr := randomBytes(n, r), randomBytes(n, r), randomBytes(n, r)
		dst := newGuarded(3 * n)
		done := YCC(dst.s, y, cb, cr)
		dst.check(t, "YCC")
		if done < 0 || done%8 != 0 || done > max(n-2, 0) || n >= 10 && done < n-9 {
			t.Errorf("%d pixels: did %d", n, done)
		}
	}
}

func TestGenericRunsNoAssembly(t *testing.T) {
	if isa.Active() == isa.Generic {
		t.Skip("this build has no assembly, or WHIPPET_CPU leaves it out")
	}
	defer isa.Use(isa.Use(isa.Generic))
	if CanSample() || CanResample() {
		t.Error("the generic set runs assembly")
	}
	if IDCT(new([64]int32), make([]uint8, 64), 8) {
		t.Error("IDCT ran with the generic set")
	}
	if YCC(make([]uint8, 300), make([]uint8, 100), make([]uint8, 100), make([]uint8, 100)) != 0 {
		t.Error("YCC ran with the generic set")
	}
}

func TestShortSlicesPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"Columns": func() { Columns(make([]uint8, 9), make([]uint8, 9), 9, 0, 2, []int32{1, 2}) },
		"Row": func() {
			(&FixedTaps{2, make([]int32, 2), make([]int32, 2), make([]int32, 4)}).Row(make([]uint8, 6), make([]uint8, 9), 3)
		},
		"WeighRows": func() { WeighRows(make([]float32, 9), make([]float32, 9), 0, 2, []float32{1, 2}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s accepted a short slice", name)
				}
			}()
			f()
		}()
	}
}

// FuzzColumns compares the assembly with the twin on any bytes.
func FuzzColumns(f *testing.F) {
	f.Add([]byte("some rows of bytes to be combined"), uint8(2), uint64(1))
	f.Fuzz(func(t *testing.T, ring []byte, taps uint8, seed uint64) {
		size := int(taps)%9 + 1
		n := len(ring) / size
		if n == 0 {
			return
		}
		k := randomTaps(size, rng.New(seed))
		got, want := make([]uint8, n), make([]uint8, n)
		Columns(got, ring, n, int(seed%1000), size, k)
		columns(want, ring, n, int(seed%1000), size, k)
		if string(got) != string(want) {
			t.Fatalf("%d samples, %d taps: differs from the twin", n, size)
		}
	})
}

func TestPick(t *testing.T) {
	vector(t)
	r := rng.New(7)
	for _, n := range []int{1, 2, 3, 224} {
		for _, w := range []int{1, 2, 5, 430} {
			size := 6
			first, count := make([]int32, n), make([]int32, n)
			weight := make([]float32, n*size)
			for i := range n {
				c := 1 + r.IntN(min(size, w))
				first[i], count[i] = int32(r.IntN(w-c+1)), int32(c)
				for j := range c {
					weight[i*size+j] = r.Float32() / float32(c)
				}
			}
			src := make([]float32, 3*w+1)
			for i := range src {
				src[i] = r.Float32() * 255
			}
			all := make([]float32, 3*n+32)
			for i := range all {
				all[i] = -7
			}
			got, want := all[16:16+3*n:16+3*n], make([]float32, 3*n)
			taps := &Taps{size, first, count, weight}
			taps.Apply(got, src)
			taps.apply(want, src, 0)
			for i, v := range got {
				if math.Abs(float64(v-want[i])) > 1e-3 {
					t.Fatalf("%d of %d pixels: %v at %d, want %v", n, w, v, i, want[i])
				}
			}
			for i, v := range all {
				if v != -7 && (i < 16 || i >= 16+3*n) {
					t.Fatalf("%d of %d pixels: wrote outside, at %d", n, w, i-16)
				}
			}
		}
	}
}

func TestCurve(t *testing.T) {
	vector(t)
	r := rng.New(8)
	c := new(ToneCurve)
	for i := range c.Cell {
		c.Cell[i] = Cell{Value: r.Float32(), Slope: r.Float32()}
	}
	scale, shift := [3]float32{1, 2, 3}, [3]float32{4, 5, 6}
	for _, n := range []int{3, 24, 27, 48, 672} {
		got := make([]float32, n)
		for i := range got {
			got[i] = float32(r.Uniform(-1, 256))
		}
		copy(got, []float32{0, 255, 4, 251}[:min(4, n)])
		want := append([]float32(nil), got...)
		c.Apply(got, scale, shift)
		curveTwin(c, want, scale, shift)
		for i, v := range got {
			if v != want[i] {
				t.Errorf("%d samples: %v at %d, want %v", n, v, i, want[i])
			}
		}
	}
	for i := range len(c.Cell) - 1 {
		if !(c.Start(i) < c.Start(i+1)) {
			t.Errorf("cell %d starts at %v, the next at %v", i, c.Start(i), c.Start(i+1))
		}
	}
}

// TestOnlyAVX2Registers: registers 16 to 31 need AVX-512, and the generator's
// allocator takes them when it runs out of others.
func TestOnlyAVX2Registers(t *testing.T) {
	b, err := os.ReadFile("pixel_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`\b([XY](1[6-9]|2[0-9]|3[01])|Z[0-9]+|K[0-7])\b`).Find(b); m != nil {
		t.Errorf("pixel_amd64.s uses %s, which AVX2 does not have", m)
	}
}

// TestSampleInside walks straight and askew over small pictures: it stops
// before the border, leaves a pixel for the caller, and stays in its slices.
// That its bits are those of plain Go is tested where it is used, in package
// vision.
func TestSampleInside(t *testing.T) {
	vector(t)
	r := rng.New(9)
	total := 0
	for range 3000 {
		h, w, n := 2+r.IntN(20), 3+r.IntN(40), 1+r.IntN(60)
		src := randomBytes(3*h*w, r)
		all := make([]float32, 3*n+32)
		for i := range all {
			all[i] = -7
		}
		dst := all[16 : 16+3*n : 16+3*n]
		k := NewWalk(r.Uniform(0, 5), r.Uniform(0, float64(h-1)), 1, r.Uniform(-0.2, 1), r.Uniform(-0.2, 0.2), r.Uniform(-0.001, 0.001))
		done := SampleInside(dst, src, h, w, &k)
		if done%4 != 0 || done >= n || done < 0 {
			t.Fatalf("did %d of %d", done, n)
		}
		total += done
		for i, v := range all {
			if v != -7 && (i < 16 || i > 16+3*done) {
				t.Fatalf("%d done: wrote outside, at %d", done, i-16)
			}
			if i >= 16 && i < 16+3*done && !(v >= 0 && v <= 255) {
				t.Fatalf("sample %v", v)
			}
		}
		if done+4 < n { // it stopped: one of the next four is near the border
			near := false
			for i := range 4 {
				x, y := k.At(i)
				near = near || x < 0.001 || y < 0.001 || x > float64(w-2)-0.001 || y > float64(h-1)-0.001
			}
			if !near {
				t.Fatalf("stopped after %d of %d inside the picture", done, n)
			}
		}
	}
	if total < 10000 {
		t.Errorf("only %d samples were taken", total)
	}
}
