package train

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train/checkpoint"
	"github.com/whippet-ml/whippet/weights"
)

// checkpointState is the part of a checkpoint that is not arrays.
type checkpointState struct {
	Version   int      `json:"version"`
	Arch      string   `json:"architecture"`
	Vocab     []string `json:"vocabulary"`
	Seed      uint64   `json:"seed"`
	Plan      []Phase  `json:"plan"`
	Cursor    cursor   `json:"cursor"`
	FrozenTo  int      `json:"frozen_to"`
	TrainBN   bool     `json:"train_bn"`
	Step      int      `json:"step"`
	BatchSize int      `json:"batch_size"`
	Stages    string   `json:"stages,omitempty"` // "" for none
	Shards    int      `json:"shards,omitempty"` // 0 for 1, and in checkpoints of older versions
	Items     int      `json:"training_items"`
	// ValidItems is nil in checkpoints of older versions.
	ValidItems *int                       `json:"validation_items,omitempty"`
	ItemsSum   uint32                     `json:"items_crc32c"` // of the names and labels of all items
	Smooth     schedule.Smooth            `json:"smooth"`
	Rows       []rowJSON                  `json:"history"`
	Metrics    []string                   `json:"metrics"`
	Loss       string                     `json:"loss"`
	Optimizer  string                     `json:"optimizer"`
	OptCount   int                        `json:"optimizer_count"`
	OptSteps   map[string]int             `json:"optimizer_steps"`
	Teacher    string                     `json:"teacher,omitempty"` // "" for none
	ClipNorm   float64                    `json:"clip_norm,omitempty"`
	EMA        string                     `json:"ema,omitempty"`
	EMASteps   int                        `json:"ema_steps,omitempty"`
	Callbacks  map[string]json.RawMessage `json:"callbacks,omitempty"`
	Extra      json.RawMessage            `json:"extra,omitempty"`
}

// rowJSON is a Row whose numbers may be NaN, which JSON has not: floats are
// their bits in hexadecimal, so that nothing is lost.
type rowJSON struct {
	Epoch, Phase int
	Train, Valid string
	Metrics      []string
	Time         time.Duration
	Size         int `json:",omitempty"`
	Step         int `json:",omitempty"` // 0 in checkpoints of older versions
}

func bits(v float64) string { return strconv.FormatUint(math.Float64bits(v), 16) }

func unbits(s string) float64 {
	u, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return nan
	}
	return math.Float64frombits(u)
}

// Names in a checkpoint besides those of the model's own arrays.
const (
	optPrefix  = "optimizer/"
	bestPrefix = "best/"
	emaPrefix  = "ema/"
	stepsName  = "recorder/steps"
)

// saveState returns the learner's state as a checkpoint.
func (l *Learner) saveState(c *Checkpoints) (*checkpoint.File, error) {
	f := &checkpoint.File{}
	valid := validItems(l.DLs)
	st := checkpointState{Version: checkpoint.Version, Arch: l.Model.Arch.Name, Vocab: l.DLs.Vocab, Seed: l.Seed,
		Plan: l.plan, Cursor: l.cur, FrozenTo: l.frozenTo, TrainBN: l.TrainBN, Step: l.Step, BatchSize: l.DLs.Train.BatchSize(),
		Items: len(l.DLs.Train.Items()), ValidItems: &valid, ItemsSum: c.data, Smooth: l.Recorder.smooth, Metrics: l.Recorder.MetricNames,
		Loss: l.Loss.String(), OptSteps: map[string]int{}, Extra: c.Extra}
	for _, r := range l.Recorder.Rows {
		j := rowJSON{Epoch: r.Epoch, Phase: r.Phase, Train: bits(r.TrainLoss), Valid: bits(r.ValidLoss), Time: r.Time, Step: r.Step, Size: r.Size}
		for _, m := range r.Metrics {
			j.Metrics = append(j.Metrics, bits(m))
		}
		st.Rows = append(st.Rows, j)
	}
	if l.Shards > 1 {
		st.Shards = l.Shards
	}
	f.Arrays = append(f.Arrays, l.state.Arrays()...)
	st.Teacher = l.teacherName()
	st.Stages = describeStages(l.Stages)
	st.ClipNorm, st.EMA = l.ClipNorm, l.EMA.String()
	if a := l.average; a != nil && a.model != nil {
		st.EMASteps = a.steps
		f.Arrays = append(f.Arrays, a.model.Arrays(emaPrefix)...)
	}
	opt := l.opt.State()
	st.Optimizer, st.OptCount = opt.Algorithm, opt.Count
	var names []string
	for n := range opt.Params {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		p := opt.Params[n]
		st.OptSteps[n] = p.Step
		for _, s := range []struct {
			kind string
			v    []float32
		}{{"avg", p.Avg}, {"sqr", p.Sqr}, {"slow", p.Slow}} {
			if s.v != nil {
				f.Arrays = append(f.Arrays, weights.Array{Name: optPrefix + s.kind + "/" + n, Shape: []int{len(s.v)}, F32: s.v})
			}
		}
	}
	if n := len(l.Recorder.Steps); n > 0 {
		f.Arrays = append(f.Arrays, l.Recorder.array(len(l.groups)))
	}
	for _, p := range persistent(l.active) {
		b, err := p.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("state of callback %s: %w", p.key, err)
		}
		if st.Callbacks == nil {
			st.Callbacks = map[string]json.RawMessage{}
		}
		st.Callbacks[p.key] = b
		if m, ok := p.Persistent.(keepsModel); ok && m.keptModel() != nil {
			f.Arrays = append(f.Arrays, m.keptModel().Arrays(bestPrefix+p.key+"/")...)
		}
	}
	var err error
	if f.State, err = json.Marshal(st); err != nil {
		return nil, err
	}
	return f, nil
}

// keyed is a persistent callback under the key of its state, which is its name,
// with a number when several have the same.
type keyed struct {
	Persistent
	key string
}

func persistent(cbs []Callback) []keyed {
	var out []keyed
	seen := map[string]int{}
	for _, c := range cbs {
		p, ok := c.(Persistent)
		if !ok {
			continue
		}
		key := p.StateName()
		seen[key]++
		if n := seen[key]; n > 1 {
			key += "#" + strconv.Itoa(n)
		}
		out = append(out, keyed{p, key})
	}
	return out
}

// keepsModel is a persistent callback that holds a copy of the model, which a
// checkpoint stores as arrays.
type keepsModel interface {
	keptModel() *nn.Snapshot // nil for none
	setKeptModel(*nn.Snapshot)
}

// array packs the step records, a row for each: loss, smoothed loss, then the
// rates and the momenta of every group.
func (r *Recorder) array(groups int) weights.Array {
	cols := 2 + 2*groups
	a := weights.Array{Name: stepsName, Shape: []int{len(r.Steps), cols}, DType: weights.F64}
	for _, s := range r.Steps {
		a.F64 = append(a.F64, s.Loss, s.Smooth)
		a.F64 = append(a.F64, s.LR...)
		a.F64 = append(a.F64, s.Mom...)
	}
	return a
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func validItems(dls *data.DataLoaders) int {
	if dls.Valid == nil {
		return 0
	}
	return len(dls.Valid.Items())
}

// DataSum identifies the learner's training and validation data by file names and labels, in their
// order.
func (l *Learner) DataSum() uint32 { return itemsSum(l.DLs) }

// itemsSum identifies the training and validation items, by file name and
// label, in their order, so that a resumed run notices other data. Folders do
// not count: the data may have moved.
func itemsSum(dls *data.DataLoaders) uint32 {
	crc := uint32(0)
	for _, dl := range []*data.Loader{dls.Train, dls.Valid} {
		if dl == nil {
			continue
		}
		y := dl.Targets()
		for i, it := range dl.Items() {
			line := filepath.Base(it.Path)
			switch {
			case y.Class != nil:
				line += "\x00" + strconv.Itoa(y.Class[i])
			case y.Values != nil:
				line += "\x00" + fmt.Sprint(y.Row(i))
			}
			crc = crc32.Update(crc, castagnoli, []byte(line+"\n"))
		}
		crc = crc32.Update(crc, castagnoli, []byte{0})
	}
	return crc
}
