package cpu

import (
	"testing"
)

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
	before := scratch.Bytes()
	for range 5 {
		step()
	}
	if after := scratch.Bytes(); after > before+1<<20 {
		t.Errorf("workspace grew from %d to %d bytes in repeated steps", before, after)
	}
}
