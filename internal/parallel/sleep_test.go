package parallel

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestSleepersWake runs loops at intervals in which the workers have gone to
// sleep, and in which the caller has, waiting for a slow last piece.
func TestSleepersWake(t *testing.T) {
	withThreads(t, func(t *testing.T) {
		for range 5 {
			var n atomic.Int32
			For(8, func(i int) {
				if i == 7 {
					time.Sleep(4 * spinFor)
				}
				n.Add(1)
			})
			if n.Load() != 8 {
				t.Errorf("%d pieces had run when For returned, want 8", n.Load())
			}
			time.Sleep(4 * spinFor)
		}
	})
}

// BenchmarkFor runs loops of eight short pieces with a pause between, as the
// operations of a network come.
func BenchmarkFor(b *testing.B) {
	busy := func(d time.Duration) {
		for start := time.Now(); time.Since(start) < d; {
		}
	}
	for _, c := range []struct {
		name         string
		piece, pause time.Duration
	}{{"5µs", 5 * time.Microsecond, 0}, {"20µs", 20 * time.Microsecond, 0}, {"20µs, pause 20µs", 20 * time.Microsecond, 20 * time.Microsecond}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				For(8, func(int) { busy(c.piece) })
				busy(c.pause)
			}
		})
	}
}
