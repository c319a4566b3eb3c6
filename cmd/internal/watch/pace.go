package watch

import (
	"math"
	"time"
)

// pace measures how fast training goes: a mean over about the last thirty
// seconds, so that it follows a change (frozen layers are faster) and is steady
// enough to read.
type pace struct {
	last     time.Time // end of the last batch; zero where the time before the next one says nothing
	n        int       // batches measured since the kind of work changed
	step     float64   // seconds a step takes
	pictures float64   // in a batch
	valid    float64   // seconds a validation takes
}

const (
	memory  = 30.0 // seconds
	stopped = 10.0 // seconds: a step that took so long, and 20 times as long as others, is none
)

// begin says that training goes on now: the next batch counts from here.
func (p *pace) begin(now time.Time) { p.last = now }

// renew forgets what steps took, because they are different ones from now on.
func (p *pace) renew() { p.last, p.n = time.Time{}, 0 }

// batch takes the end of a batch of n pictures.
func (p *pace) batch(now time.Time, n int) {
	if !p.last.IsZero() {
		d := now.Sub(p.last).Seconds()
		if p.n >= 8 && d > stopped && d > 20*p.step {
			p.last = now // the process was stopped, or the machine slept
			return
		}
		k := max(1-math.Exp(-d/memory), 1/float64(p.n+1)) // at first a plain mean
		p.step += k * (d - p.step)
		p.pictures += k * (float64(n) - p.pictures)
		p.n++
	}
	p.last = now
}

// rate is pictures a second, 0 when not yet known.
func (p *pace) rate() float64 {
	if p.step <= 0 {
		return 0
	}
	return p.pictures / p.step
}

// left is how many seconds a number of steps and validations will take; NaN
// when not yet known.
func (p *pace) left(steps, validations int) float64 {
	if p.step == 0 {
		return math.NaN()
	}
	return float64(max(steps, 0))*p.step + float64(max(validations, 0))*p.valid
}
