package conv

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// TestScratchSteady checks that a repeated convolution allocates no workspace.
func TestScratchSteady(t *testing.T) {
	c := Conv{N: 2, H: 14, W: 14, C: 32, K: 64, KH: 3, KW: 3, Stride: 2, Pad: 1}
	x, w, y := kerneltest.Randoms(1, 2*14*14*32), kerneltest.Randoms(2, 9*32*64), make([]float32, 2*7*7*64)
	step := func() {
		convForward(c, x, w, y)
		c.BackwardWeights(x, y, w)
		c.BackwardData(y, w, elementwise.InputGrad{DX: x})
	}
	for range 20 { // workers meet in different numbers: let the lists fill up
		step()
	}
	before := ground.Scratch.Bytes()
	for range 5 {
		step()
	}
	if after := ground.Scratch.Bytes(); after > before+1<<20 {
		t.Errorf("workspace grew from %d to %d bytes in repeated steps", before, after)
	}
}
