package cpu

import "github.com/whippet-ml/whippet/internal/mem"

// scratch is the kernels' workspace, kept between calls so that a steady training
// step allocates none.
var scratch = mem.NewBuffers("workspace of kernels", nil, 0)

// getScratch returns n floats of undefined content, aligned to 64 bytes. Give
// the slice back with putScratch.
func getScratch(n int) []float32 { return scratch.Get(n) }

// putScratch returns a buffer of getScratch for reuse. The caller must not
// touch it afterwards.
func putScratch(s []float32) { scratch.Put(s) }
