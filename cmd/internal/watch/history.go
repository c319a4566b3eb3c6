package watch

import (
	"bytes"
	"math"
	"strconv"
)

// number is a float64 in JSON with six significant digits, which is more than a
// screen shows; null where it is NaN or infinite.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, v, 'g', 6, 64), nil
}

// point is what a stretch of training steps came to. It is an array in JSON:
// step, loss, smooth, lr.
type point struct {
	step   int     // number of the last step in it, from 1
	loss   float64 // mean of the batches' losses
	smooth float64 // training loss as it is shown, after the last step
	lr     float64 // of the last layer group, at the last step
}

// MarshalJSON implements json.Marshaler.
func (p point) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	b.WriteString(strconv.Itoa(p.step))
	for _, v := range [3]float64{p.loss, p.smooth, p.lr} {
		b.WriteByte(',')
		n, _ := number(v).MarshalJSON() // has no error
		b.Write(n)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// maxPoints bounds a curve: more than a screen has columns.
const maxPoints = 2048

// series is a curve of bounded length however long training takes: each point
// stands for stride steps, and when there are maxPoints of them, neighbors are
// merged and the stride doubles.
type series struct {
	points []point
	stride int
	gen    int // grows when the points were merged: what was sent before is void

	// tip is the point that is being filled, of n steps so far.
	tip point
	n   int
}

// add takes one step.
func (s *series) add(p point) {
	if s.stride == 0 {
		s.stride = 1
	}
	mean := s.tip.loss + (p.loss-s.tip.loss)/float64(s.n+1)
	s.tip, s.n = p, s.n+1
	s.tip.loss = mean
	if s.n < s.stride {
		return
	}
	s.points = append(s.points, s.tip)
	s.tip, s.n = point{}, 0
	if len(s.points) < maxPoints {
		return
	}
	half := s.points[:0]
	for i := 0; i+1 < len(s.points); i += 2 {
		p := s.points[i+1]
		p.loss = (s.points[i].loss + p.loss) / 2
		half = append(half, p)
	}
	s.points, s.stride, s.gen = half, 2*s.stride, s.gen+1
}

// epochRow is the end of an epoch.
type epochRow struct {
	N       int      `json:"n"`     // from 1, counted through all phases
	Epoch   int      `json:"epoch"` // of its phase, from 0
	Phase   int      `json:"phase"`
	Step    int      `json:"step"` // training steps taken until then
	Train   number   `json:"train_loss"`
	Valid   number   `json:"valid_loss"`
	Metrics []number `json:"metrics"`
	Seconds number   `json:"seconds"`
}

// maxRows bounds the epochs that the page shows one by one.
const maxRows = 1024

// epochs keeps the rows of the history; of very many, every stride-th and the
// newest.
type epochs struct {
	rows   []epochRow
	stride int
	gen    int
}

func (e *epochs) add(r epochRow) {
	if e.stride == 0 {
		e.stride = 1
	}
	if n := len(e.rows); n > 0 && e.rows[n-1].N%e.stride != 0 {
		e.rows[n-1] = r // the last one was there only for being the newest
		e.gen++
		return
	}
	e.rows = append(e.rows, r)
	if len(e.rows) < maxRows {
		return
	}
	e.stride *= 2
	kept := e.rows[:0]
	for i, r := range e.rows {
		if r.N%e.stride == 0 || i == len(e.rows)-1 {
			kept = append(kept, r)
		}
	}
	e.rows, e.gen = kept, e.gen+1
}
