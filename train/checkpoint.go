package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/whippet-ml/whippet/internal/atomicfile"
	"github.com/whippet-ml/whippet/metrics"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/weights"
)

// Checkpoints says where and how often a learner saves its whole state: weights,
// optimizer, place in the schedule, history, callbacks' memory. Random streams
// and the order of items need no saving, because they follow from the seed and
// the place.
//
// A checkpoint is one safetensors file, written to a temporary file, synced and
// renamed: whatever happens, the newest one in the folder is whole.
type Checkpoints struct {
	Dir   string        // created when missing
	Every time.Duration // besides every epoch; 0 means only every epoch
	Keep  int           // newest ones kept; 0 means 2

	// Extra is stored with every checkpoint and given back by LoadCheckpoint:
	// the settings of a run, for programs that rebuild it.
	Extra json.RawMessage

	// Failed, when set, is called when a checkpoint could not be written (disk
	// full), and training goes on if it returns nil. By default it is an error
	// that ends the fit.
	Failed func(error) error

	last time.Time
}

// checkpointVersion changes when old checkpoints can no longer be continued.
const checkpointVersion = 1

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
	Smooth    metrics.Smooth             `json:"smooth"`
	Rows      []rowJSON                  `json:"history"`
	Metrics   []string                   `json:"metrics"`
	Optimizer string                     `json:"optimizer"`
	OptCount  int                        `json:"optimizer_count"`
	OptSteps  map[string]int             `json:"optimizer_steps"`
	Callbacks map[string]json.RawMessage `json:"callbacks,omitempty"`
	Extra     json.RawMessage            `json:"extra,omitempty"`
	CRC       uint32                     `json:"crc32c"` // of all arrays, in order
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

const (
	stateKey  = "whippet.checkpoint"
	optPrefix = "optimizer/"
)

// save writes the state to path.
func (l *Learner) saveState(path string, extra json.RawMessage) error {
	f := &weights.File{}
	st := checkpointState{Version: checkpointVersion, Arch: l.Model.Arch.Name, Vocab: l.DLs.Vocab, Seed: l.Seed,
		Plan: l.plan, Cursor: l.cur, FrozenTo: l.frozenTo, TrainBN: l.TrainBN, Step: l.Step, BatchSize: l.DLs.Train.BatchSize(),
		Items: len(l.DLs.Train.Items()), Smooth: l.Recorder.smooth, Metrics: l.Recorder.MetricNames, OptSteps: map[string]int{}, Extra: extra}
	for _, r := range l.Recorder.Rows {
		j := rowJSON{Epoch: r.Epoch, Phase: r.Phase, Train: bits(r.TrainLoss), Valid: bits(r.ValidLoss), Time: r.Time}
		for _, m := range r.Metrics {
			j.Metrics = append(j.Metrics, bits(m))
		}
		st.Rows = append(st.Rows, j)
	}
	for _, g := range l.groups {
		for _, e := range g {
			if e.Count != nil {
				f.Arrays = append(f.Arrays, weights.Array{Name: e.Name, Shape: e.Shape, DType: weights.I64, I64: []int64{*e.Count}})
				continue
			}
			f.Arrays = append(f.Arrays, weights.Array{Name: e.Name, Shape: e.Shape, F32: e.Get()})
		}
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
	for _, c := range l.active {
		if p, ok := c.(Persistent); ok {
			b, err := p.MarshalJSON()
			if err != nil {
				return fmt.Errorf("train: state of callback %s: %w", p.StateName(), err)
			}
			if st.Callbacks == nil {
				st.Callbacks = map[string]json.RawMessage{}
			}
			st.Callbacks[p.StateName()] = b
		}
	}
	st.CRC = checksum(f)
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	f.Metadata = map[string]string{stateKey: string(b)}
	return weights.Save(path, f)
}

// array packs the step records: loss, smoothed loss, then rates and momenta of
// every group, as the two halves' bits of float64.
func (r *Recorder) array(groups int) weights.Array {
	cols := 2 + 2*groups
	a := weights.Array{Name: "recorder/steps", Shape: []int{len(r.Steps), cols}, DType: weights.F64}
	for _, s := range r.Steps {
		a.F64 = append(a.F64, s.Loss, s.Smooth)
		a.F64 = append(a.F64, s.LR...)
		a.F64 = append(a.F64, s.Mom...)
	}
	return a
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(f *weights.File) uint32 {
	crc := uint32(0)
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
	return crc
}

func rawBytes[T float32 | float64 | int64](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

func checkpointName(step int, c cursor) string {
	return fmt.Sprintf("checkpoint-%09d-%03d-%05d.safetensors", step, c.Phase, c.Epoch)
}

func listCheckpoints(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(escapeGlob(dir), "checkpoint-*.safetensors"))
	if err != nil {
		return nil, err
	}
	sort.Sort(sort.Reverse(sort.StringSlice(all)))
	return all, nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// Save writes a checkpoint now and removes the oldest ones beyond Keep.
func (c *Checkpoints) Save(l *Learner) error {
	err := c.save(l)
	c.last = time.Now()
	if err != nil && c.Failed != nil {
		return c.Failed(err)
	}
	return err
}

func (c *Checkpoints) save(l *Learner) error {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("train: folder for checkpoints: %w", err)
	}
	path := filepath.Join(c.Dir, checkpointName(l.Step, l.cur))
	if err := l.saveState(path, c.Extra); err != nil {
		return fmt.Errorf("train: checkpoint not saved, the previous one is untouched: %w", err)
	}
	// A run that was killed while it saved has left a part of a checkpoint.
	if err := atomicfile.RemoveLeftovers(c.Dir, "checkpoint-"); err != nil {
		return fmt.Errorf("train: removing parts of old checkpoints: %w", err)
	}
	all, err := listCheckpoints(c.Dir)
	if err != nil {
		return err
	}
	keep := c.Keep
	if keep < 1 {
		keep = 2
	}
	for i, p := range all {
		if i >= keep && p != path {
			if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("train: removing an old checkpoint: %w", err)
			}
		}
	}
	return nil
}

// due saves when Every has passed since the last time.
func (c *Checkpoints) due(l *Learner) error {
	if c.Every <= 0 {
		return nil
	}
	if c.last.IsZero() {
		c.last = time.Now()
	}
	if time.Since(c.last) < c.Every {
		return nil
	}
	return c.Save(l)
}

// Remove deletes all checkpoints of the folder, and the folder when that
// leaves it empty: for when a run is complete.
func (c *Checkpoints) Remove() error {
	all, err := listCheckpoints(c.Dir)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := os.Remove(p); err != nil {
			return err
		}
	}
	_ = os.Remove(c.Dir) // not empty: it holds files of others, which stay
	return nil
}

// Checkpoint is a saved state, read and verified.
type Checkpoint struct {
	Path  string
	Extra json.RawMessage // as given in Checkpoints.Extra
	// Skipped lists newer checkpoints of the folder that are damaged, with
	// what is wrong with each.
	Skipped []error

	state checkpointState
	file  *weights.File
}

// ErrNoCheckpoint means that a folder has no checkpoint that can be used.
var ErrNoCheckpoint = errors.New("no usable checkpoint")

// LoadCheckpoint reads the newest whole checkpoint of a folder. Damaged ones
// are passed over and listed in Skipped; ErrNoCheckpoint, wrapped, means that
// none is whole or there are none.
func LoadCheckpoint(dir string) (*Checkpoint, error) {
	all, err := listCheckpoints(dir)
	if err != nil {
		return nil, err
	}
	var skipped []error
	for _, p := range all {
		c, err := readCheckpoint(p)
		if err == nil {
			c.Skipped = skipped
			return c, nil
		}
		skipped = append(skipped, err)
	}
	if len(skipped) > 0 {
		return nil, fmt.Errorf("train: %w in %s: %w", ErrNoCheckpoint, dir, errors.Join(skipped...))
	}
	return nil, fmt.Errorf("train: %w in %s", ErrNoCheckpoint, dir)
}

func readCheckpoint(path string) (*Checkpoint, error) {
	f, err := weights.Load(path)
	if err != nil {
		return nil, err
	}
	meta, ok := f.Metadata[stateKey]
	if !ok {
		return nil, fmt.Errorf("train: %s is not a checkpoint: its metadata has no %s", path, stateKey)
	}
	c := &Checkpoint{Path: path, file: f}
	if err := json.Unmarshal([]byte(meta), &c.state); err != nil {
		return nil, fmt.Errorf("train: %s: metadata %s: %w", path, stateKey, err)
	}
	if v := c.state.Version; v != checkpointVersion {
		return nil, fmt.Errorf("train: %s was written by another version of this program (format %d, this one reads %d)", path, v, checkpointVersion)
	}
	if got := checksum(f); got != c.state.CRC {
		return nil, fmt.Errorf("train: %s is damaged: checksum %08x, it says %08x", path, got, c.state.CRC)
	}
	c.Extra = c.state.Extra
	return c, nil
}

// apply puts the saved state into l.
func (c *Checkpoint) apply(l *Learner) error {
	st := &c.state
	bad := func(what string, have, want any) error {
		return fmt.Errorf("train: %s does not fit this learner: its %s is %v, the learner's %v: resume with the settings of the first run", c.Path, what, have, want)
	}
	switch {
	case st.Arch != l.Model.Arch.Name:
		return bad("architecture", st.Arch, l.Model.Arch.Name)
	case strings.Join(st.Vocab, "\x00") != strings.Join(l.DLs.Vocab, "\x00"):
		return bad("vocabulary", st.Vocab, l.DLs.Vocab)
	case st.Seed != l.Seed:
		return bad("seed", st.Seed, l.Seed)
	case st.BatchSize != l.DLs.Train.BatchSize():
		return bad("batch size", st.BatchSize, l.DLs.Train.BatchSize())
	case st.Items != len(l.DLs.Train.Items()):
		return bad("number of training pictures", st.Items, len(l.DLs.Train.Items()))
	case st.TrainBN != l.TrainBN:
		return bad("TrainBN", st.TrainBN, l.TrainBN)
	case st.Optimizer != l.opt.State().Algorithm:
		return bad("optimizer", st.Optimizer, l.opt.State().Algorithm)
	case st.FrozenTo < 0 || st.FrozenTo >= len(l.groups):
		return bad("first trainable layer group", st.FrozenTo, len(l.groups))
	case st.Cursor.Phase < 0 || st.Cursor.Phase > len(st.Plan) || st.Cursor.Epoch < 0 || st.Cursor.Iter < 0:
		return bad("place in the plan", st.Cursor, len(st.Plan))
	}
	arrays := map[string]*weights.Array{}
	for i := range c.file.Arrays {
		arrays[c.file.Arrays[i].Name] = &c.file.Arrays[i]
	}
	var want []weights.Spec
	for _, g := range l.groups {
		for _, e := range g {
			want = append(want, weights.Spec{Name: e.Name, Shape: e.Shape})
		}
	}
	model := &weights.File{Format: c.file.Format}
	opt := optim.State{Algorithm: st.Optimizer, Count: st.OptCount, Params: map[string]optim.ParamState{}}
	for n, s := range st.OptSteps {
		get := func(kind string) []float32 {
			if a := arrays[optPrefix+kind+"/"+n]; a != nil {
				return a.F32
			}
			return nil
		}
		opt.Params[n] = optim.ParamState{Step: s, Avg: get("avg"), Sqr: get("sqr"), Slow: get("slow")}
	}
	for _, a := range c.file.Arrays {
		if !strings.HasPrefix(a.Name, optPrefix) && a.Name != "recorder/steps" {
			model.Arrays = append(model.Arrays, a)
		}
	}
	if err := weights.Match(want, model); err != nil {
		return fmt.Errorf("train: %s: %w", c.Path, err)
	}
	if err := l.opt.SetState(opt); err != nil {
		return fmt.Errorf("train: %s: %w", c.Path, err)
	}
	for _, g := range l.groups {
		for _, e := range g {
			a := arrays[e.Name]
			if e.Count != nil && a.DType == weights.I64 {
				*e.Count = a.I64[0]
				continue
			}
			if err := e.Set(a.Float32s()); err != nil {
				return fmt.Errorf("train: %s: %w", c.Path, err)
			}
		}
	}
	l.frozenTo, l.Step, l.started = st.FrozenTo, st.Step, st.Cursor.Started
	l.setTrainable()
	r := &Recorder{MetricNames: st.Metrics, smooth: st.Smooth}
	for _, j := range st.Rows {
		row := Row{Epoch: j.Epoch, Phase: j.Phase, TrainLoss: unbits(j.Train), ValidLoss: unbits(j.Valid), Time: j.Time}
		for _, m := range j.Metrics {
			row.Metrics = append(row.Metrics, unbits(m))
		}
		r.Rows = append(r.Rows, row)
	}
	if a := arrays["recorder/steps"]; a != nil && len(a.Shape) == 2 && a.Shape[1] == 2+2*len(l.groups) {
		g := len(l.groups)
		for i := range a.Shape[0] {
			v := a.F64[i*a.Shape[1]:]
			r.Steps = append(r.Steps, StepRecord{Loss: v[0], Smooth: v[1], LR: v[2 : 2+g : 2+g], Mom: v[2+g : 2+2*g : 2+2*g]})
		}
	}
	*l.Recorder = *r
	for _, cb := range l.Callbacks {
		if p, ok := cb.(Persistent); ok {
			if b, ok := st.Callbacks[p.StateName()]; ok {
				if err := p.UnmarshalJSON(b); err != nil {
					return fmt.Errorf("train: %s: state of callback %s: %w", c.Path, p.StateName(), err)
				}
			}
		}
	}
	return nil
}
