package mem

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"
)

func TestRoundUp(t *testing.T) {
	for _, c := range []struct{ n, want int }{{1, 16}, {16, 16}, {17, 32}, {4095, 4096 + 16}, {4096, 4096 + 16}} {
		if got := roundUp(c.n); got != c.want {
			t.Errorf("roundUp(%d) = %d, want %d", c.n, got, c.want)
		}
	}
}

// TestRandomUse takes and returns buffers in random order and checks that none
// overlap, and that all comes together again.
func TestRandomUse(t *testing.T) {
	for _, c := range []struct {
		name   string
		sizes  int
		mapped bool
	}{{"address space", 1 << 14, true}, {"ordinary memory", 1 << 14, false}, {"larger than a region", 3 * ordinary, false}} {
		t.Run(c.name, func(t *testing.T) {
			h := NewHeap("test")
			if !c.mapped {
				h.regions = append(h.regions, &region{data: Floats(ordinary), free: []span{{0, ordinary}}})
			}
			r := rand.New(rand.NewPCG(1, 2))
			type held struct {
				b   []float32
				key float32
			}
			var out []held
			check := func(b held) {
				for _, i := range []int{0, len(b.b) / 2, len(b.b) - 1} {
					if b.b[i] != b.key {
						t.Fatalf("a buffer of %d values was overwritten", len(b.b))
					}
				}
			}
			for i := range 3000 {
				if len(out) > 0 && r.IntN(2) == 0 || len(out) > 40 {
					k := r.IntN(len(out))
					check(out[k])
					h.Put(out[k].b)
					out[k] = out[len(out)-1]
					out = out[:len(out)-1]
					continue
				}
				b := held{h.Get(1 + r.IntN(c.sizes)), float32(i)}
				if uintptr(unsafe.Pointer(&b.b[0]))%64 != 0 {
					t.Fatal("a buffer does not start on a 64-byte boundary")
				}
				b.b[0], b.b[len(b.b)/2], b.b[len(b.b)-1] = b.key, b.key, b.key
				out = append(out, b)
			}
			for _, b := range out {
				check(b)
				h.Put(b.b)
			}
			if h.InUse() != 0 || h.live != 0 {
				t.Errorf("%d buffers, %d values still in use", h.InUse(), h.live)
			}
			for _, r := range h.regions {
				if len(r.free) != 1 || r.free[0] != (span{0, len(r.data)}) {
					t.Errorf("a region of %d values is left in pieces: %v", len(r.data), r.free)
				}
			}
			if h.Peak() > h.Bytes() {
				t.Errorf("%d bytes were in use at a time, but only %d held", h.Peak(), h.Bytes())
			}
			h.Trim()
			if runtime.GOOS == "linux" && c.mapped && h.Bytes() != 0 {
				t.Errorf("%d bytes held after Trim", h.Bytes())
			}
		})
	}
}

// TestSamePlaces checks that a repeated pattern gets the same memory.
func TestSamePlaces(t *testing.T) {
	h := NewHeap("test")
	step := func() (at []*float32) {
		a, b := h.Get(1000), h.Get(50000)
		h.Put(a)
		c := h.Get(70)
		at = append(at, &a[0], &b[0], &c[0])
		h.Put(c)
		h.Put(b)
		return at
	}
	first := step()
	held := h.Bytes()
	for range 10 {
		for i, p := range step() {
			if p != first[i] {
				t.Fatalf("request %d moved from %p to %p", i, first[i], p)
			}
		}
	}
	if h.Bytes() != held {
		t.Errorf("the heap grew from %d to %d bytes", held, h.Bytes())
	}
}

func TestTrimKeepsWhatIsInUse(t *testing.T) {
	h := NewHeap("test")
	a, b := h.Get(1<<20), h.Get(1<<20)
	for i := range b {
		b[i] = 7
	}
	h.Put(a)
	h.Trim()
	for i, v := range b {
		if v != 7 {
			t.Fatalf("value %d of a buffer in use is %v after Trim, want 7", i, v)
		}
	}
	h.Put(b)
	h.Trim()
	c := h.Get(1 << 20)
	c[0], c[len(c)-1] = 1, 1
}

func TestWrongPutPanics(t *testing.T) {
	h := NewHeap("test")
	b := h.Get(10)
	h.Put(b)
	for name, s := range map[string][]float32{"twice": b, "foreign": make([]float32, 3)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: Put did not panic", name)
				}
			}()
			h.Put(s)
		}()
	}
	h.Put(nil)
	if h.Get(0) != nil {
		t.Error("Get(0) is not nil")
	}
}

// TestBuffersOutliveTheHeap lets a Heap be collected while a buffer is out.
func TestBuffersOutliveTheHeap(t *testing.T) {
	b := NewHeap("test").Get(1 << 16)
	b[5] = 3
	for range 3 {
		runtime.GC()
	}
	if b[5] != 3 {
		t.Errorf("value %v, want 3", b[5])
	}
}
