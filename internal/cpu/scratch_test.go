package cpu

import (
	"testing"
	"unsafe"
)

func TestScratch(t *testing.T) {
	for _, n := range []int{1, 1000, 1024, 1025, 1280, 1281, 5000, 1 << 20, 1<<20 + 1} {
		s := getScratch(n)
		if len(s) != n {
			t.Errorf("getScratch(%d) has length %d", n, len(s))
		}
		if uintptr(unsafe.Pointer(&s[0]))%scratchAlign != 0 {
			t.Errorf("getScratch(%d) is not aligned to %d bytes", n, scratchAlign)
		}
		if size := scratchClass(n); size < n || size > 1024 && size > n+n/4+1 {
			t.Errorf("getScratch(%d): class of %d floats, want at most a quarter more", n, size)
		}
		before := ScratchBytes()
		putScratch(s)
		again := getScratch(n)
		if &again[0] != &s[0] {
			t.Errorf("getScratch(%d) allocated although a buffer was free", n)
		}
		if b := ScratchBytes(); b != before {
			t.Errorf("ScratchBytes went from %d to %d without an allocation", before, b)
		}
		putScratch(again)
	}
	if ScratchBytes() == 0 {
		t.Error("ScratchBytes is 0 with buffers kept")
	}
}

// TestScratchSteady checks that a repeated convolution allocates no workspace.
func TestScratchSteady(t *testing.T) {
	c := Conv{N: 2, H: 14, W: 14, C: 32, K: 64, KH: 3, KW: 3, Stride: 2, Pad: 1}
	x, w, y := randoms(1, 2*14*14*32), randoms(2, 9*32*64), make([]float32, 2*7*7*64)
	step := func() {
		convForward(c, x, w, y)
		c.BackwardWeights(x, y, w)
		c.BackwardData(y, w, InputGrad{DX: x})
	}
	for range 20 { // workers meet in different numbers: let the lists fill up
		step()
	}
	before := ScratchBytes()
	for range 5 {
		step()
	}
	if after := ScratchBytes(); after > before+1<<20 {
		t.Errorf("workspace grew from %d to %d bytes in repeated steps", before, after)
	}
}
