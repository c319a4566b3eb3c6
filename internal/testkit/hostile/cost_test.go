package hostile

import (
	"testing"
	"time"
)

var sink []byte

// TestCost spends both for certain, and then waits, which costs neither.
func TestCost(t *testing.T) {
	if processor, allocated := Cost(func() {
		sink = make([]byte, 3<<20)
		for start := processorTime(); processorTime()-start < 30*time.Millisecond; {
		}
	}); processor < 30*time.Millisecond || allocated < 3<<20 {
		t.Errorf("30 ms of work and 3 MiB cost %v and %d bytes", processor, allocated)
	}
	if processor, allocated := Cost(func() { time.Sleep(300 * time.Millisecond) }); processor > 200*time.Millisecond || allocated > 1<<20 {
		t.Errorf("waiting cost %v and %d bytes", processor, allocated)
	}
}
