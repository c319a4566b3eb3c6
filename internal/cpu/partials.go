package cpu

import "sync"

// Partial results of reductions live in a few buffers that are used again and
// again, so that a steady training step allocates none.
var partials struct {
	sync.Mutex
	free [][]float32
}

// getPartials returns n floats, their contents arbitrary.
func getPartials(n int) []float32 {
	partials.Lock()
	defer partials.Unlock()
	for i := len(partials.free) - 1; i >= 0; i-- {
		if b := partials.free[i]; cap(b) >= n {
			last := len(partials.free) - 1
			partials.free[i] = partials.free[last]
			partials.free = partials.free[:last]
			return b[:n]
		}
	}
	return make([]float32, n, max(n, 64<<10))
}

// putPartials gives a buffer of getPartials back.
func putPartials(b []float32) {
	partials.Lock()
	defer partials.Unlock()
	if len(partials.free) < 16 {
		partials.free = append(partials.free, b)
	}
}
