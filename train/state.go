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
	"unsafe"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/weights"
)

// checkpointVersion changes when old checkpoints can no longer be continued.
const checkpointVersion = 2

// checkpointState is the part of a checkpoint that is not arrays.
type checkpointState struct {
	Version   int                        `json:"version"`
	Arch      string                     `json:"architecture"`
	Vocab     []string                   `json:"vocabulary"`
	Seed      uint64                     `json:"seed"`
	Plan      []Phase                    `json:"plan"`
	Cursor    cursor                     `json:"cursor"`
	FrozenTo  int                        `json:"frozen_to"`
	TrainBN   bool                       `json:"train_bn"`
	Step      int                        `json:"step"`
	BatchSize int                        `json:"batch_size"`
	Items     int                        `json:"training_items"`
	ItemsSum  uint32                     `json:"items_crc32c"` // of the names and labels of all items
	Smooth    metrics.Smooth             `json:"smooth"`
	Rows      []rowJSON                  `json:"history"`
	Metrics   []string                   `json:"metrics"`
	Loss      string                     `json:"loss"`
	Optimizer string                     `json:"optimizer"`
	OptCount  int                        `json:"optimizer_count"`
	OptSteps  map[string]int             `json:"optimizer_steps"`
	Callbacks map[string]json.RawMessage `json:"callbacks,omitempty"`
	Extra     json.RawMessage            `json:"extra,omitempty"`
}

// rowJSON is a Row whose numbers may be NaN, which JSON has not: floats are
// their bits in hexadecimal, so that nothing is lost.
type rowJSON struct {
	Epoch, Phase int
	Train, Valid string
	Metrics      []string
	Time         time.Duration
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
	stateKey   = "whippet.checkpoint"
	sumKey     = "whippet.checkpoint.crc32c"
	optPrefix  = "optimizer/"
	bestPrefix = "best/"
	stepsName  = "recorder/steps"
)

// saveState writes the state to path.
func (l *Learner) saveState(path string, c *Checkpoints) error {
	f := &weights.File{}
	st := checkpointState{Version: checkpointVersion, Arch: l.Model.Arch.Name, Vocab: l.DLs.Vocab, Seed: l.Seed,
		Plan: l.plan, Cursor: l.cur, FrozenTo: l.frozenTo, TrainBN: l.TrainBN, Step: l.Step, BatchSize: l.DLs.Train.BatchSize(),
		Items: len(l.DLs.Train.Items()), ItemsSum: c.data, Smooth: l.Recorder.smooth, Metrics: l.Recorder.MetricNames,
		Loss: l.Loss.String(), OptSteps: map[string]int{}, Extra: c.Extra}
	for _, r := range l.Recorder.Rows {
		j := rowJSON{Epoch: r.Epoch, Phase: r.Phase, Train: bits(r.TrainLoss), Valid: bits(r.ValidLoss), Time: r.Time}
		for _, m := range r.Metrics {
			j.Metrics = append(j.Metrics, bits(m))
		}
		st.Rows = append(st.Rows, j)
	}
	f.Arrays = append(f.Arrays, l.state.Arrays()...)
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
			return fmt.Errorf("state of callback %s: %w", p.key, err)
		}
		if st.Callbacks == nil {
			st.Callbacks = map[string]json.RawMessage{}
		}
		st.Callbacks[p.key] = b
		if m, ok := p.Persistent.(keepsModel); ok && m.keptModel() != nil {
			f.Arrays = append(f.Arrays, m.keptModel().Arrays(bestPrefix+p.key+"/")...)
		}
	}
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	f.Metadata = map[string]string{stateKey: string(b), sumKey: checksum(f, b)}
	return weights.Save(path, f)
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

// checksum is the CRC-32C of the state and of all arrays, in order, in
// hexadecimal. It is there for disks that lie and for copies cut short.
func checksum(f *weights.File, state []byte) string {
	crc := crc32.Checksum(state, castagnoli)
	for i := range f.Arrays {
		a := &f.Arrays[i]
		crc = crc32.Update(crc, castagnoli, []byte(a.Name))
		switch a.DType {
		case weights.F32:
			crc = crc32.Update(crc, castagnoli, rawBytes(a.F32))
		case weights.F64:
			crc = crc32.Update(crc, castagnoli, rawBytes(a.F64))
		case weights.I64:
			crc = crc32.Update(crc, castagnoli, rawBytes(a.I64))
		}
	}
	return fmt.Sprintf("%08x", crc)
}

func rawBytes[T float32 | float64 | int64](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// itemsSum identifies the training and validation items, by file name and
// label, in their order, so that a resumed run notices other data. Folders do
// not count: the data may have moved.
func itemsSum(dls *data.DataLoaders) uint32 {
	crc := uint32(0)
	for _, dl := range []*data.Loader{dls.Train, dls.Valid} {
		if dl == nil {
			continue
		}
		labels := dl.Labels()
		for i, it := range dl.Items() {
			line := filepath.Base(it.Path)
			if labels != nil {
				line += "\x00" + strconv.Itoa(labels[i])
			}
			crc = crc32.Update(crc, castagnoli, []byte(line+"\n"))
		}
		crc = crc32.Update(crc, castagnoli, []byte{0})
	}
	return crc
}
