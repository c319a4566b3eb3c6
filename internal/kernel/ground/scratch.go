package ground

import "github.com/whippet-ml/whippet/internal/mem"

// Scratch is the kernels' workspace, kept between calls so that a steady training
// step allocates none.
var Scratch = mem.NewBuffers("workspace of kernels", nil, 0)

// GetScratch returns n floats of undefined content, aligned to 64 bytes. Give
// the slice back with PutScratch.
func GetScratch(n int) []float32 { return Scratch.Get(n) }

// PutScratch returns a buffer of GetScratch for reuse. The caller must not
// touch it afterwards.
func PutScratch(s []float32) { Scratch.Put(s) }
