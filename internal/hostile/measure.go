package hostile

import (
	"runtime/metrics"
	"testing"
)

// Bounded runs f and fails the test when it takes more than limit bytes from
// the heap. It is cheap enough for every execution of a fuzz test; nothing else
// may allocate meanwhile. What a goroutine has allocated from a span of small
// objects that is not full yet is not counted, tens of kilobytes.
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
