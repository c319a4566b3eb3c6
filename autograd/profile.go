package autograd

import (
	"sort"
	"time"
)

// Profile sums wall time by kind of operation and direction.
type Profile struct {
	times map[kindOf]time.Duration
	total time.Duration // of all times
}

// kindOf is a kind of operation and a direction, apart so that booking a time
// does not join them.
type kindOf struct{ kind, direction string }

// ProfileRow is one row of a Profile.
type ProfileRow struct {
	Kind string // such as "conv forward"
	Time time.Duration
}

// NewProfile returns an empty profile.
func NewProfile() *Profile { return &Profile{times: map[kindOf]time.Duration{}} }

// mark is the beginning of something timed.
type mark struct {
	start  time.Time
	booked time.Duration // by then
}

func (p *Profile) mark() mark {
	if p == nil {
		return mark{}
	}
	return mark{time.Now(), p.total}
}

// add books the time since m under kind and direction, without what was booked
// under others meanwhile.
func (p *Profile) add(kind, direction string, m mark) {
	if p != nil {
		p.book(kindOf{kind, direction}, time.Since(m.start)-(p.total-m.booked))
	}
}

// Add books time spent outside the tape, such as the optimizer's.
func (p *Profile) Add(kind string, d time.Duration) {
	if p != nil {
		p.book(kindOf{kind, ""}, d)
	}
}

// Divide books d, divided among the kinds as the times of others are: those of work that several threads
// did in d.
func (p *Profile) Divide(d time.Duration, others ...*Profile) {
	var total time.Duration
	for _, o := range others {
		total += o.total
	}
	for _, o := range others {
		for k, t := range o.times {
			p.book(k, time.Duration(float64(d)*float64(t)/float64(total)))
		}
	}
}

func (p *Profile) book(k kindOf, d time.Duration) {
	p.times[k] += d
	p.total += d
}

// Reset forgets everything.
func (p *Profile) Reset() {
	clear(p.times)
	p.total = 0
}

// Shares returns the rows, longest first.
func (p *Profile) Shares() []ProfileRow {
	var s []ProfileRow
	for k, t := range p.times {
		s = append(s, ProfileRow{k.kind + k.direction, t})
	}
	sort.Slice(s, func(i, j int) bool {
		if s[i].Time != s[j].Time {
			return s[i].Time > s[j].Time
		}
		return s[i].Kind < s[j].Kind
	})
	return s
}
