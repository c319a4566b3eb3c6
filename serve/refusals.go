package serve

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// refusalWindow is how often a reason to refuse requests gets a record of its
// own in the log.
const refusalWindow = 10 * time.Second

// refusals keeps an overload from filling the disk with its log: of each reason
// the first refusal in a window is logged, the others are counted.
type refusals struct {
	mu      sync.Mutex
	reasons map[string]*refusalCount // there are a few dozen reasons, all in this package
}

type refusalCount struct {
	until time.Time // end of the window
	more  int       // refusals that were counted in it, beyond the first
}

// refusalSummary is how many refusals a window had beyond the one logged.
type refusalSummary struct {
	reason string
	more   int
}

// note counts a refusal, and reports whether it is to be logged.
func (r *refusals) note(reason string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.reasons[reason]
	if c != nil && now.Before(c.until) {
		c.more++
		return false
	}
	if r.reasons == nil {
		r.reasons = map[string]*refusalCount{}
	}
	if c == nil {
		c = &refusalCount{}
		r.reasons[reason] = c
	}
	c.until = now.Add(refusalWindow)
	return true
}

// ended returns what was counted in windows that are over, and begins anew.
func (r *refusals) ended(now time.Time) []refusalSummary {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []refusalSummary
	for reason, c := range r.reasons {
		if now.Before(c.until) {
			continue
		}
		if c.more > 0 {
			out = append(out, refusalSummary{reason, c.more})
		}
		delete(r.reasons, reason)
	}
	slices.SortFunc(out, func(a, b refusalSummary) int { return strings.Compare(a.reason, b.reason) })
	return out
}

// logRefusals writes the summaries of the windows that ended before now.
func (s *Server) logRefusals(now time.Time) {
	for _, r := range s.refused.ended(now) {
		s.opts.Log.Info("more requests refused for the same reason", "reason", r.reason, "count", r.more, "within", refusalWindow)
	}
}
