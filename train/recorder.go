package train

import (
	"math"
	"time"

	"github.com/whippet-ml/whippet/schedule"
)

var nan = math.NaN()

// Row is one epoch of the history.
type Row struct {
	Epoch     int           `json:"epoch"` // of its fit, from 0
	Phase     int           `json:"phase"` // of its plan
	TrainLoss float64       `json:"train_loss"`
	ValidLoss float64       `json:"valid_loss"` // NaN without validation set
	Metrics   []float64     `json:"metrics"`
	Time      time.Duration `json:"time"`
	Step      int           `json:"step"`           // training steps done when it ended, in all fits
	Size      int           `json:"size,omitempty"` // side of the training pictures in pixels, where the learner has Stages; otherwise 0
}

// StepRecord is one training step.
type StepRecord struct {
	Loss   float64   // of the batch
	Smooth float64   // debiased exponential mean, what fastai shows as train_loss
	LR     []float64 // per layer group
	Mom    []float64
}

// Recorder keeps what happened: one StepRecord for each training step and one
// Row for each epoch, over all fits of its learner.
type Recorder struct {
	MetricNames []string
	Steps       []StepRecord
	Rows        []Row

	smooth schedule.Smooth
	room   []float64 // for LR and Mom of the next steps
}

func (r *Recorder) begin(l *Learner) {
	r.MetricNames = r.MetricNames[:0]
	for _, m := range l.Metrics {
		r.MetricNames = append(r.MetricNames, m.Name())
	}
}

func (r *Recorder) stepDone(l *Learner) {
	s := StepRecord{Loss: l.LossNow, Smooth: r.smooth.Add(l.LossNow)}
	n := len(l.Hyper)
	if len(r.room) < 2*n {
		r.room = make([]float64, roomSteps*2*n)
	}
	s.LR, s.Mom, r.room = r.room[:n:n], r.room[n:2*n:2*n], r.room[2*n:]
	for i, h := range l.Hyper {
		s.LR[i], s.Mom[i] = h.LR, h.Mom
	}
	r.Steps = append(r.Steps, s)
}

// roomSteps is for how many steps room is made at a time.
const roomSteps = 64

func (r *Recorder) epochDone(l *Learner) {
	r.Rows = append(r.Rows, Row{Epoch: l.Epoch, Phase: l.Phase, TrainLoss: r.smooth.Value(),
		ValidLoss: l.ValidLoss, Metrics: append([]float64(nil), l.MetricValues...), Time: l.epochTime, Step: len(r.Steps), Size: l.Size})
}

// Last returns the newest row; ok is false when there is none.
func (r *Recorder) Last() (row Row, ok bool) {
	if len(r.Rows) == 0 {
		return Row{}, false
	}
	return r.Rows[len(r.Rows)-1], true
}
