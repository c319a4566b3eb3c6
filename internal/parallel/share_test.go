package parallel

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestShare takes the indices of a share from both ends at once: each comes once.
func TestShare(t *testing.T) {
	const lo, hi = 5, 5000
	var s share
	s.set(lo, hi)
	var seen [hi + 1]atomic.Int32
	var wait sync.WaitGroup
	for k := range 4 {
		wait.Go(func() {
			take := s.first
			if k%2 == 1 {
				take = s.last
			}
			for i, ok := take(); ok; i, ok = take() {
				seen[i].Add(1)
			}
		})
	}
	wait.Wait()
	for i := range seen {
		want := int32(1)
		if i < lo || i == hi {
			want = 0
		}
		if n := seen[i].Load(); n != want {
			t.Fatalf("index %d was taken %d times", i, n)
		}
	}
}

// TestShareOrder holds that the owner of a share goes up from its beginning and others down from its end.
func TestShareOrder(t *testing.T) {
	var s share
	s.set(3, 7)
	for _, c := range []struct {
		take func() (int, bool)
		want int
	}{{s.first, 3}, {s.last, 6}, {s.first, 4}, {s.last, 5}} {
		if i, ok := c.take(); !ok || i != c.want {
			t.Errorf("took %d, %v, want %d", i, ok, c.want)
		}
	}
	if i, ok := s.first(); ok {
		t.Errorf("took %d of an empty share", i)
	}
	if i, ok := s.last(); ok {
		t.Errorf("took %d of an empty share", i)
	}
}

// TestDivide holds that the shares of a loop cover it.
func TestDivide(t *testing.T) {
	var j job
	for _, c := range []struct{ n, t int }{{7, 3}, {2, 2}, {1000, 7}, {5, 5}} {
		j.divide(c.n, c.t)
		next := 0
		for k := range j.shares {
			v := j.shares[k].left.Load()
			lo, hi := int(v&(1<<32-1)), int(v>>32)
			if lo != next || hi <= lo {
				t.Errorf("%d indices in %d shares: share %d is [%d,%d), want it from %d on", c.n, c.t, k, lo, hi, next)
			}
			next = hi
		}
		if next != c.n || len(j.shares) != c.t {
			t.Errorf("%d indices in %d shares end at %d", c.n, len(j.shares), next)
		}
	}
}
