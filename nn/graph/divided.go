package graph

import (
	"time"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/internal/mem"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/tensor"
)

// A batch goes through a network of many light operations in parts of a few pictures, each on a thread of its own: what an
// operation makes is in that thread's cache when the next one reads it, and threads seldom wait for each
// other. No bit of the results depends on it: networks whose convolutions choose their form by the number of pictures are not divided. What follows the last map, on vectors, is done for the whole batch, since every part would read
// all weights again.
const (
	partPictures = 4 // of a part, at most
	fewestParts  = 4 // fewer pictures than two for each of these are not divided
	// lightWork is the number of multiply-adds for each value that a network's operations make
	// below which memory holds these up. Measured with 32 pictures on two cores of Zen 5: MobileNetV3-L (77), EfficientNet-B0 (68), RegNetY-1.6
	// (159) and ShuffleNet (51) take 13 to 33 % less time in parts, ConvNeXt-T (272) and ViT-S (414) 1 to 4 % more.
	lightWork = 210
	// maxDivisions is how many shapes of pictures are remembered.
	maxDivisions = 64
)

// division is how batches of maps of some shape go through the network.
type division struct {
	light bool
	body  int   // the first steps, which are done in parts
	shape []int // of the value that these lead to, for one picture
}

// division returns how batches of pictures of shape [h,w,c] go through the network.
func (inf *Compiled) division(picture [3]int) division {
	inf.mu.Lock()
	defer inf.mu.Unlock()
	d, ok := inf.divisions[picture]
	if !ok {
		if inf.divisions == nil || len(inf.divisions) == maxDivisions {
			inf.divisions = map[[3]int]division{}
		}
		d = inf.divide(picture)
		inf.divisions[picture] = d
	}
	return d
}

// divide is division for a shape that has not been met. What no operation takes is not divided.
func (inf *Compiled) divide(picture [3]int) division {
	shapes := make([][]int, inf.nodes)
	shapes[Input] = append([]int{1}, picture[:]...)
	alive, macs, values := 1, 0.0, 0
	d := division{}
	for i, s := range inf.steps {
		var in [][]int
		for _, v := range s.Inputs {
			in = append(in, shapes[v])
		}
		out, err := s.Op.Shape(nil, in)
		if err != nil {
			return division{}
		}
		shapes[s.result] = out
		if k, ok := s.kernel.(ByBatch); ok && k.ByBatch() {
			return division{}
		}
		macs += s.Op.MACs(in)
		values += tensor.Size(out...)
		alive += 1 - len(s.frees)
		switch vector := tensor.Size(out...) == out[len(out)-1]; {
		case !vector:
			d.body = 0
		case d.body == 0 && alive == 2: // the input is the caller's, and stays
			d.body, d.shape = i+1, out
		}
	}
	if d.body == 0 {
		d.body, d.shape = len(inf.steps), shapes[inf.output]
	}
	d.light = macs < lightWork*float64(values)
	return d
}

// divided is a run in parts. It is kept from one run to the next.
type divided struct {
	inf      *Compiled
	x        *tensor.Tensor
	body     int
	dst      []float32 // for the value after the body
	parts    int
	errs     []error
	profiles []*autograd.Profile // of parts, or none
}

// runDivided is run for a batch in parts.
func (inf *Compiled) runDivided(x *tensor.Tensor, p *autograd.Profile, by division, use func(y *tensor.Tensor) error) error {
	n := x.Shape[0]
	d := mem.Get[divided]()
	defer d.end()
	d.inf, d.x, d.body, d.parts = inf, x, by.body, max(fewestParts, (n+partPictures-1)/partPictures)
	d.dst = inf.arena.Get(n * tensor.Size(by.shape...))
	for len(d.errs) < d.parts {
		d.errs = append(d.errs, nil)
	}
	if p != nil {
		for range d.parts {
			d.profiles = append(d.profiles, autograd.NewProfile())
		}
	}
	start := time.Now()
	parallel.ForWith(d.parts, d, func(d **divided, i int) { (*d).part(i) })
	for _, err := range d.errs[:d.parts] {
		if err != nil {
			return err
		}
	}
	if p != nil {
		p.Divide(time.Since(start), d.profiles...)
	}
	r := mem.Get[running]()
	defer r.end()
	r.begin(inf, inf.arena)
	r.give(inf.steps[by.body-1].result, d.dst, n, by.shape[1:])
	d.dst = nil // r's
	if err := r.steps(inf.steps[by.body:], p); err != nil {
		return err
	}
	return use(&r.values[inf.output].t)
}

// part takes part i through the body.
func (d *divided) part(i int) {
	n := d.x.Shape[0]
	first, end, per := i*n/d.parts, (i+1)*n/d.parts, len(d.x.Data)/n
	var p *autograd.Profile
	if d.profiles != nil {
		p = d.profiles[i]
	}
	r := mem.Get[running]()
	defer r.end()
	r.begin(d.inf, d.inf.arenaOf(i, d.parts))
	r.give(Input, d.x.Data[first*per:end*per], end-first, d.x.Shape[1:])
	if d.errs[i] = r.steps(d.inf.steps[:d.body], p); d.errs[i] == nil {
		y := r.values[d.inf.steps[d.body-1].result].t.Data
		copy(d.dst[first*len(y)/(end-first):], y)
	}
}

// end forgets everything.
func (d *divided) end() {
	d.inf.arena.Put(d.dst)
	clear(d.errs)
	*d = divided{errs: d.errs}
	mem.Put(d)
}

// arenaOf returns the arena of part i: that of the thread to which the part falls, if others do not take it off
// its hands. What one thread has written another would have to fetch from that one's cache.
func (inf *Compiled) arenaOf(i, parts int) *autograd.Arena {
	k := i * min(parallel.Threads(), parts) / parts
	inf.mu.Lock()
	defer inf.mu.Unlock()
	for len(inf.arenas) <= k {
		inf.arenas = append(inf.arenas, autograd.NewArena())
	}
	return inf.arenas[k]
}
