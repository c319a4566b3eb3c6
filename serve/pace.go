package serve

import (
	"math"
	"sync"
	"time"
)

// pace learns how long a model takes for a picture, from how long requests take.
// A queue by number alone fails where the model is slow: what is at its front
// has then waited for so long that its client is gone, or its time over, before
// the answer is there, and all work is in vain.
type pace struct {
	mu   sync.Mutex
	each float64 // seconds a picture, averaged; 0: nothing is known
}

// paceWeight is the weight of the newest measurement in the average.
const paceWeight = 1.0 / 16

// note says that a request was done after took, when ahead pictures, its own
// included, were accepted and not answered as it came. They are answered in the
// order in which they came, so it took as long as all of them; where nothing waits
// that is more than a picture's share, and errs on the safe side.
func (p *pace) note(ahead int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	each := took.Seconds() / float64(max(ahead, 1))
	if p.each == 0 {
		p.each = each
	}
	p.each += float64(paceWeight * (each - p.each))
}

// within is how many pictures can be answered within budget.
func (p *pace) within(budget time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := budget.Seconds() / p.each
	if !(n < math.MaxInt32) {
		return math.MaxInt32
	}
	return int(n)
}
