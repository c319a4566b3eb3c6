package autograd

import (
	"sort"
	"time"
)

// Profile sums wall time by kind of operation and direction.
type Profile struct{ times map[string]time.Duration }

// Share is one row of a Profile.
type Share struct {
	Kind string // such as "conv forward"
	Time time.Duration
}

// NewProfile returns an empty profile.
func NewProfile() *Profile { return &Profile{times: map[string]time.Duration{}} }

func (p *Profile) add(kind string, backward bool, start time.Time) {
	if p == nil {
		return
	}
	if backward {
		kind += " backward"
	} else {
		kind += " forward"
	}
	p.times[kind] += time.Since(start)
}

// Add books time spent outside the tape, such as the optimizer's.
func (p *Profile) Add(kind string, d time.Duration) {
	if p != nil {
		p.times[kind] += d
	}
}

// Reset forgets everything.
func (p *Profile) Reset() { clear(p.times) }

// Shares returns the rows, longest first.
func (p *Profile) Shares() []Share {
	var s []Share
	for k, t := range p.times {
		s = append(s, Share{k, t})
	}
	sort.Slice(s, func(i, j int) bool {
		if s[i].Time != s[j].Time {
			return s[i].Time > s[j].Time
		}
		return s[i].Kind < s[j].Kind
	})
	return s
}
