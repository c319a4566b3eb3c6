package distributed

import (
	"fmt"
	"slices"
	"sync"

	"github.com/whippet-ml/whippet/internal/mem"
)

// Goroutines returns a group of p ranks in this process, each for one goroutine: for
// tests, and to see what training on p ranks does without any launcher. They share
// the processors, so training gets no faster.
func Goroutines(p int) []Group {
	h := &hub{size: p, parts: make([]part, p)}
	h.turn.L = &h.mu
	ranks := make([]Group, p)
	for r := range ranks {
		ranks[r] = &goroutine{h, r}
	}
	return ranks
}

// part is what one rank brings to a call.
type part struct {
	call   string
	floats []float32
	bytes  []byte
}

// hub is where the goroutines meet. A call has two meetings: all parts are there,
// and all have been read.
type hub struct {
	size int

	mu      sync.Mutex
	turn    sync.Cond
	parts   []part
	arrived int
	round   int
	ended   *Aborted
}

// meet waits until all ranks are here.
func (h *hub) meet() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended != nil {
		return h.ended
	}
	if h.arrived++; h.arrived == h.size {
		h.arrived = 0
		h.round++
		h.turn.Broadcast()
		return nil
	}
	for round := h.round; h.round == round; {
		if h.ended != nil {
			return h.ended
		}
		h.turn.Wait()
	}
	return nil
}

// goroutine is one rank.
type goroutine struct {
	h    *hub
	rank int
}

func (g *goroutine) Rank() int              { return g.rank }
func (g *goroutine) Size() int              { return g.h.size }
func (g *goroutine) Node() (rank, size int) { return g.rank, g.h.size }
func (g *goroutine) Buffer(n int) []float32 { return mem.Floats(n) }

// together brings this rank's part, lets read take what it needs of all parts, and
// returns when all ranks have.
func (g *goroutine) together(mine part, read func(parts []part)) error {
	g.h.parts[g.rank] = mine
	if err := g.h.meet(); err != nil {
		return err
	}
	for r, p := range g.h.parts {
		if p.call != mine.call || len(p.floats) != len(mine.floats) {
			g.Abort(fmt.Errorf("distributed: rank %d calls %s with %d floats, rank %d %s with %d: all ranks must make the same calls",
				g.rank, mine.call, len(mine.floats), r, p.call, len(p.floats)))
			break
		}
	}
	read(g.h.parts)
	return g.h.meet()
}

// block returns block r of x.
func (g *goroutine) block(x []float32, r int) []float32 {
	n := len(x) / g.h.size
	return x[r*n : (r+1)*n]
}

func (g *goroutine) AllToAll(recv, send []float32) error {
	if len(recv) != len(send) || len(send)%g.h.size != 0 {
		return fmt.Errorf("distributed: AllToAll of %d floats to %d: both must be the same multiple of %d", len(send), len(recv), g.h.size)
	}
	return g.together(part{call: "AllToAll", floats: send}, func(parts []part) {
		for r, p := range parts {
			if r != g.rank {
				copy(g.block(recv, r), g.block(p.floats, g.rank))
			}
		}
	})
}

func (g *goroutine) AllGather(x []float32) error {
	if len(x)%g.h.size != 0 {
		return fmt.Errorf("distributed: AllGather of %d floats: it must be a multiple of %d", len(x), g.h.size)
	}
	return g.together(part{call: "AllGather", floats: x}, func(parts []part) {
		for r, p := range parts {
			if r != g.rank {
				copy(g.block(x, r), g.block(p.floats, r))
			}
		}
	})
}

func (g *goroutine) Broadcast(b []byte) ([]byte, error) {
	err := g.together(part{call: "Broadcast", bytes: b}, func(parts []part) {
		if g.rank != 0 {
			b = slices.Clone(parts[0].bytes)
		}
	})
	return b, err
}

func (g *goroutine) AllGatherBytes(b []byte) (all [][]byte, err error) {
	err = g.together(part{call: "AllGatherBytes", bytes: b}, func(parts []part) {
		for _, p := range parts {
			all = append(all, slices.Clone(p.bytes))
		}
	})
	return all, err
}

func (g *goroutine) Barrier() error {
	return g.together(part{call: "Barrier"}, func([]part) {})
}

func (g *goroutine) Abort(reason error) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	if g.h.ended == nil {
		g.h.ended = &Aborted{g.rank, reason}
	}
	g.h.turn.Broadcast()
}
