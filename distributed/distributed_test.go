package distributed

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whippet-ml/whippet/rng"
)

// each runs f for every rank of a group of p and returns the ranks' errors.
func each(p int, f func(g Group) error) []error {
	errs := make([]error, p)
	var wg sync.WaitGroup
	for r, g := range Goroutines(p) {
		wg.Go(func() { errs[r] = f(g) })
	}
	wg.Wait()
	return errs
}

// noErrors fails the test with the first error.
func noErrors(t *testing.T, errs []error) {
	t.Helper()
	for r, err := range errs {
		if err != nil {
			t.Fatalf("rank %d: %v", r, err)
		}
	}
}

// TestSumHasTheSameBits adds 16 shards on 1, 2, 4, 8 and 16 ranks, and in another
// order to see that the order matters for these numbers.
func TestSumHasTheSameBits(t *testing.T) {
	const shards, n = 16, 10_000 // of several pieces on two ranks
	value := func(s, i int) float32 {
		return float32(rng.New(1, uint64(s), uint64(i)).Normal() * math.Pow(10, float64(s%5)))
	}
	local := func(from, to, padded int) []float32 {
		x := make([]float32, padded*(to-from))
		for s := from; s < to; s++ {
			for i := range n {
				x[(s-from)*padded+i] = value(s, i)
			}
		}
		for width := padded; width < len(x); width *= 2 {
			for at := 0; at < len(x); at += 2 * width {
				for i := range padded {
					x[at+i] += x[at+width+i]
				}
			}
		}
		return x[:padded]
	}
	want := local(0, shards, n)[:n]
	differs := false
	for i := range n {
		in := float32(0)
		for s := range shards {
			in += value(s, i)
		}
		differs = differs || in != want[i]
	}
	if !differs {
		t.Fatal("the sum in order has the same bits as the sum along the tree: the numbers are badly chosen")
	}
	for _, p := range []int{1, 2, 4, 8, 16} {
		padded := (n + p - 1) / p * p
		noErrors(t, each(p, func(g Group) error {
			s, err := NewSum(g, padded)
			if err != nil {
				return err
			}
			x := g.Buffer(padded)
			copy(x, local(g.Rank()*shards/p, (g.Rank()+1)*shards/p, padded))
			if err := s.Add(x); err != nil {
				return err
			}
			if !slices.Equal(x[:n], want) {
				return fmt.Errorf("%d ranks give other bits than one", p)
			}
			copy(x, local(g.Rank()*shards/p, (g.Rank()+1)*shards/p, padded))
			if err := s.AddScaled(x, 0.3); err != nil {
				return err
			}
			for i, v := range x[:n] {
				if v != 0.3*want[i] {
					return fmt.Errorf("%d ranks: element %d scaled is %v, want %v", p, i, v, 0.3*want[i])
				}
			}
			return nil
		}))
	}
	if _, err := NewSum(Goroutines(3)[0], 3); err == nil || !strings.Contains(err.Error(), "power of two") {
		t.Errorf("NewSum on 3 ranks: %v, want an error that asks for a power of two", err)
	}
}

func TestBytes(t *testing.T) {
	noErrors(t, each(4, func(g Group) error {
		mine := bytes.Repeat([]byte{byte(g.Rank())}, g.Rank())
		all, err := g.AllGatherBytes(mine)
		if err != nil {
			return err
		}
		for r, b := range all {
			if !bytes.Equal(b, bytes.Repeat([]byte{byte(r)}, r)) {
				return fmt.Errorf("AllGatherBytes gave %v for rank %d", b, r)
			}
		}
		var b []byte
		if g.Rank() == 0 {
			b = []byte("settings")
		}
		if b, err = g.Broadcast(b); err != nil || string(b) != "settings" {
			return fmt.Errorf("Broadcast gave %q, %v", b, err)
		}
		return g.Barrier()
	}))
}

func TestAlone(t *testing.T) {
	var g Group = Alone{}
	x := []float32{1, 2, 3}
	recv := make([]float32, 3)
	s, err := NewSum(g, 3)
	if err := errors.Join(err, s.Add(x), g.AllGather(x), g.AllToAll(recv, x), g.Barrier()); err != nil {
		t.Fatal(err)
	}
	all, err := g.AllGatherBytes([]byte("a"))
	if !slices.Equal(x, []float32{1, 2, 3}) || !slices.Equal(recv, make([]float32, 3)) || err != nil || len(all) != 1 || string(all[0]) != "a" {
		t.Errorf("the group of one changed something: %v, %v, %q, %v", x, recv, all, err)
	}
}

func TestAbort(t *testing.T) {
	reason := errors.New("disk full")
	for r, err := range each(4, func(g Group) error {
		if g.Rank() == 2 {
			g.Abort(reason)
			g.Abort(errors.New("a later reason"))
		}
		return g.Barrier()
	}) {
		var a *Aborted
		if !errors.As(err, &a) || a.Rank != 2 || !errors.Is(err, reason) || !strings.Contains(err.Error(), "rank 2") {
			t.Errorf("rank %d: %v, want rank 2's reason", r, err)
		}
	}
}

// TestOtherCalls lets ranks make different calls, which is a fault of the program.
func TestOtherCalls(t *testing.T) {
	for r, err := range each(2, func(g Group) error {
		if g.Rank() == 0 {
			return g.Barrier()
		}
		return g.AllGather(make([]float32, 2))
	}) {
		if err == nil || !strings.Contains(err.Error(), "same calls") {
			t.Errorf("rank %d: %v, want an error about different calls", r, err)
		}
	}
	for r, err := range each(2, func(g Group) error { return g.AllToAll(make([]float32, 3), make([]float32, 3)) }) {
		if err == nil || !strings.Contains(err.Error(), "multiple of 2") {
			t.Errorf("rank %d: %v, want an error about the length", r, err)
		}
	}
}
