package data

import "sync"

// gate holds goroutines back until it is open, or ended.
type gate struct {
	mu          sync.Mutex
	cond        *sync.Cond
	open, ended bool
}

func newGate() *gate {
	g := &gate{}
	g.cond = sync.NewCond(&g.mu)
	return g
}

// set opens or closes the gate.
func (g *gate) set(open bool) {
	g.mu.Lock()
	g.open = open
	g.mu.Unlock()
	if open {
		g.cond.Broadcast()
	}
}

// end lets everyone go, who learns of it from wait's false.
func (g *gate) end() {
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.cond.Broadcast()
}

// wait returns true when the gate is open and false when it has ended.
func (g *gate) wait() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.open && !g.ended {
		g.cond.Wait()
	}
	return !g.ended
}
