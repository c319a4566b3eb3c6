package hostile

import (
	"runtime/metrics"
	"testing"
)

// Bounded runs f and fails the test when it takes more than limit bytes from
// the heap. It is cheap enough for every execution of a fuzz test. What else
// allocates counts too, in a fuzzing process hundreds of kilobytes, so that
// limits below a few megabytes mean little.
func Bounded(t testing.TB, limit int, f func()) {
	t.Helper()
	before := allocated()
	f()
	if n := allocated() - before; n > uint64(limit) {
		t.Errorf("%d bytes allocated, more than %d", n, limit)
	}
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
