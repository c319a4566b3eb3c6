package train

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/train/checkpoint"
	"github.com/whippet-ml/whippet/weights"
)

// Checkpoint is a saved state, read and verified.
type Checkpoint struct {
	Path  string
	Extra json.RawMessage // as given in Checkpoints.Extra
	// Skipped lists newer checkpoints of the folder that are damaged, with
	// what is wrong with each.
	Skipped []error

	state  checkpointState
	arrays []weights.Array
}

// ErrNoCheckpoint means that a folder has no checkpoint.
var ErrNoCheckpoint = checkpoint.ErrNone

// ErrDamagedCheckpoint means that a checkpoint, or each one of a folder, cannot
// be read.
var ErrDamagedCheckpoint = checkpoint.ErrDamaged

// LoadCheckpoint reads the newest whole checkpoint of a folder. Damaged ones
// are passed over and listed in Skipped. The error wraps ErrNoCheckpoint when
// there are none, ErrDamagedCheckpoint when there are, but none is whole. A
// whole one of another version of the format is an error: it is no older state
// that one would want to go on from instead.
func LoadCheckpoint(dir string) (*Checkpoint, error) {
	f, skipped, err := checkpoint.Folder{Dir: dir}.Newest()
	if err != nil {
		return nil, err
	}
	c, err := newCheckpoint(f)
	if err != nil {
		return nil, err
	}
	c.Skipped = skipped
	return c, nil
}

func readCheckpoint(path string) (*Checkpoint, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	return newCheckpoint(f)
}

// Broadcast gives rank 0's checkpoint c to all ranks of g, which need not see its file; the
// others pass nil. All get nil when c is. Skipped stays with rank 0.
func (c *Checkpoint) Broadcast(g distributed.Group) (*Checkpoint, error) {
	if g.Size() == 1 {
		return c, nil
	}
	var path, content []byte
	if c != nil {
		var err error
		if content, err = os.ReadFile(c.Path); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
		path = []byte(c.Path)
	}
	path, err := g.Broadcast(path)
	if err == nil {
		content, err = g.Broadcast(content)
	}
	if err != nil || g.Rank() == 0 || len(content) == 0 {
		return c, err
	}
	f, err := checkpoint.ReadFrom(bytes.NewReader(content), int64(len(content)), string(path))
	if err != nil {
		return nil, err
	}
	return newCheckpoint(f)
}

// newCheckpoint parses the state of a file that was found to be whole.
func newCheckpoint(f *checkpoint.File) (*Checkpoint, error) {
	c := &Checkpoint{Path: f.Path, arrays: f.Arrays}
	if err := json.Unmarshal(f.State, &c.state); err != nil {
		return nil, fmt.Errorf("train: %w: %s: its state: %w", ErrDamagedCheckpoint, f.Path, err)
	}
	c.Extra = c.state.Extra
	return c, nil
}

// Done reports whether the checkpoint's plan was complete.
func (c *Checkpoint) Done() bool {
	return c.state.Cursor.Ended && c.state.Cursor.Phase+1 >= len(c.state.Plan)
}

// Place says where in its plan the checkpoint was taken: phase, epoch and the
// next batch, all from 0.
func (c *Checkpoint) Place() (phase, epoch, batch int) {
	return c.state.Cursor.Phase, c.state.Cursor.Epoch, c.state.Cursor.Iter
}

// Step returns the number of training steps taken before the checkpoint.
func (c *Checkpoint) Step() int { return c.state.Step }

// Resume puts the learner, built anew with the settings of the first run, into
// the state of a checkpoint and carries on with what was under way: the rest of
// the epoch, of the fit, and of the plan. The end is the same, bit for bit, as
// if there had been no interruption.
//
// What is carried on is the plan of one call of Run, Fit, FineTune and so on. A
// program that makes several calls gives them to Run as one plan (NewPhase), or
// notes in Checkpoints.Extra which call it is.
//
// The learner's callbacks must be those of the first run; extra are those that
// were given to the fit alone (With). An error says which setting differs, and
// leaves the learner as it was.
func (l *Learner) Resume(ctx context.Context, c *Checkpoint, extra ...Callback) error {
	if err := c.apply(l, slices.Concat(l.Callbacks, extra)); err != nil {
		return err
	}
	at := c.state.Cursor
	return l.runFrom(ctx, c.state.Plan, &at, extra)
}

// SetRates gives what is left of the checkpoint's plan, the phase it was taken in
// and those after it, the learning rates of plan: to go on after a divergence, or
// whenever another rate is wanted. Everything else stays: place in the schedule,
// optimizer, order of pictures. plan must have the phases of the checkpoint's
// plan; the error names the first that differs, and the checkpoint is unchanged.
func (c *Checkpoint) SetRates(plan []Phase) error {
	st := &c.state
	if len(plan) != len(st.Plan) {
		return fmt.Errorf("train: %s has a plan of %d phases, its new learning rates are for %d", c.Path, len(st.Plan), len(plan))
	}
	for i, p := range plan {
		if of := st.Plan[i]; p.Schedule != of.Schedule || p.Epochs != of.Epochs || len(p.LR) != len(of.LR) {
			return fmt.Errorf("train: %s: phase %d is %s over %d epochs with %d learning rates, the new ones are for %s over %d epochs with %d",
				c.Path, i, of.Schedule, of.Epochs, len(of.LR), p.Schedule, p.Epochs, len(p.LR))
		}
	}
	for i := max(st.Cursor.Phase, 0); i < len(plan); i++ {
		st.Plan[i].LR = slices.Clone(plan[i].LR)
	}
	return nil
}

// fits reports the first setting in which c and l differ.
func (c *Checkpoint) fits(l *Learner) error {
	st := &c.state
	bad := func(what string, have, want any) error {
		return fmt.Errorf("train: %s does not fit this learner: its %s is %v, the learner's %v: resume with the settings of the first run", c.Path, what, have, want)
	}
	if l.DLs == nil || l.DLs.Train == nil {
		return errors.New("train: the learner has no training data: it cannot resume")
	}
	if err := l.prepareTeaching(); err != nil {
		return err
	}
	switch {
	case st.Arch != l.Model.Arch.Name:
		return bad("architecture", st.Arch, l.Model.Arch.Name)
	case !slices.Equal(st.Vocab, l.DLs.Vocab):
		return bad("vocabulary", brief(st.Vocab), brief(l.DLs.Vocab))
	case st.Seed != l.Seed:
		return bad("seed", st.Seed, l.Seed)
	case st.BatchSize != l.DLs.Train.BatchSize():
		return bad("batch size", st.BatchSize, l.DLs.Train.BatchSize())
	case max(st.Shards, 1) != l.Shards:
		return bad("number of shards", max(st.Shards, 1), l.Shards)
	case st.Items != len(l.DLs.Train.Items()):
		return bad("number of training pictures", st.Items, len(l.DLs.Train.Items()))
	case st.ValidItems != nil && *st.ValidItems != validItems(l.DLs):
		return bad("number of validation pictures", *st.ValidItems, validItems(l.DLs))
	case st.ItemsSum != itemsSum(l.DLs):
		return fmt.Errorf("train: %s was saved in training on other pictures or labels (%s): put the first ones back to resume", c.Path, st.difference())
	case st.Stages != describeStages(l.Stages):
		return bad("sizes of pictures by epochs", cmp.Or(st.Stages, "one"), cmp.Or(describeStages(l.Stages), "one"))
	case st.TrainBN != l.TrainBN:
		return bad("TrainBN", st.TrainBN, l.TrainBN)
	case st.Loss != l.Loss.String():
		return bad("loss", st.Loss, l.Loss.String())
	case st.Teacher != l.teacherName():
		return bad("teacher", cmp.Or(st.Teacher, "none"), cmp.Or(l.teacherName(), "none"))
	case st.ClipNorm != l.ClipNorm:
		return bad("ClipNorm", st.ClipNorm, l.ClipNorm)
	case st.EMA != l.EMA.String():
		return bad("average of weights", cmp.Or(st.EMA, "none"), cmp.Or(l.EMA.String(), "none"))
	case st.Optimizer != l.opt.State().Algorithm:
		return bad("optimizer", st.Optimizer, l.opt.State().Algorithm)
	case st.FrozenTo < 0 || st.FrozenTo >= len(l.groups):
		return bad("first trainable layer group", st.FrozenTo, len(l.groups))
	case st.Cursor.Phase < 0 || st.Cursor.Phase >= len(st.Plan) || st.Cursor.Epoch < 0 || st.Cursor.Iter < 0:
		return fmt.Errorf("train: %s: phase %d, epoch %d, batch %d is no place in a plan of %d phases: the checkpoint is not one of this program", c.Path, st.Cursor.Phase, st.Cursor.Epoch, st.Cursor.Iter, len(st.Plan))
	}
	for i, p := range st.Plan {
		if len(p.LR) != len(l.groups) {
			return bad("number of layer groups", len(p.LR), len(l.groups))
		}
		if p.FreezeTo != nil && (*p.FreezeTo < -len(l.groups) || *p.FreezeTo >= len(l.groups)) {
			return fmt.Errorf("train: %s: phase %d freezes to layer group %d of %d", c.Path, i, *p.FreezeTo, len(l.groups))
		}
	}
	return nil
}

// difference says what is known of how the pictures differ when their numbers,
// as far as they were noted, do not.
func (st *checkpointState) difference() string {
	if st.ValidItems == nil { // a checkpoint of an older version
		return "as many for training; names, labels, their order or those for validation differ"
	}
	return "as many, but their names, labels or order differ"
}

// brief shortens a long list for a message.
func brief(s []string) string {
	if len(s) > 6 {
		return fmt.Sprintf("%s and %d more", strings.Join(s[:6], ", "), len(s)-6)
	}
	return strings.Join(s, ", ")
}

// apply puts the saved state into l, whose callbacks are cbs.
func (c *Checkpoint) apply(l *Learner, cbs []Callback) (err error) {
	if err := c.fits(l); err != nil {
		return err
	}
	st := &c.state
	fail := func(err error) error { return fmt.Errorf("train: %s: %w", c.Path, err) }
	arrays := map[string]*weights.Array{}
	for i := range c.arrays {
		arrays[c.arrays[i].Name] = &c.arrays[i]
	}
	model := &weights.File{}
	for _, a := range c.arrays {
		if !strings.HasPrefix(a.Name, optPrefix) && !strings.HasPrefix(a.Name, bestPrefix) && !strings.HasPrefix(a.Name, emaPrefix) && a.Name != stepsName {
			model.Arrays = append(model.Arrays, a)
		}
	}
	if undo := l.Model.FitPositions(model); undo != nil {
		l.collect()
		defer func() {
			if err != nil {
				undo()
				l.collect()
				l.setTrainable()
			}
		}()
	}
	if err := l.state.Check(model); err != nil {
		return fail(err)
	}
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
	kept, err := c.callbackModels(l, cbs)
	if err != nil {
		return fail(err)
	}
	averaged, err := l.state.ReadSnapshot(&weights.File{Arrays: c.arrays}, emaPrefix)
	if err != nil {
		return fail(fmt.Errorf("the average of weights is not whole: %w", err))
	}
	if err := l.opt.SetState(opt); err != nil {
		return fail(err)
	}
	if err := l.state.Load(model); err != nil {
		return fail(err)
	}
	if l.EMA.Decay > 0 {
		l.average = &average{EMA: l.EMA, steps: st.EMASteps}
		if averaged != nil {
			l.average.model = averaged.Clone() // what the checkpoint holds stays
		}
	}
	l.frozenTo, l.Step, l.started = st.FrozenTo, st.Step, st.Cursor.Started
	l.setTrainable()
	*l.Recorder = c.recorder(len(l.groups), l.DLs.Train.Len(), arrays[stepsName])
	for _, p := range persistent(cbs) {
		if b, ok := st.Callbacks[p.key]; ok {
			if err := p.UnmarshalJSON(b); err != nil {
				return fail(fmt.Errorf("state of callback %s: %w", p.key, err))
			}
		}
		if m, ok := p.Persistent.(keepsModel); ok {
			m.setKeptModel(kept[p.key])
		}
	}
	return nil
}

// callbackModels reads the models that callbacks had kept, and checks that the
// callbacks are there.
func (c *Checkpoint) callbackModels(l *Learner, cbs []Callback) (map[string]*nn.Snapshot, error) {
	kept := map[string]*nn.Snapshot{}
	here := map[string]bool{}
	for _, p := range persistent(cbs) {
		here[p.key] = true
		if _, ok := p.Persistent.(keepsModel); !ok {
			continue
		}
		s, err := l.state.ReadSnapshot(&weights.File{Arrays: c.arrays}, bestPrefix+p.key+"/")
		if err != nil {
			return nil, fmt.Errorf("the model kept by callback %s is not whole: %w", p.key, err)
		}
		kept[p.key] = s
	}
	for key := range c.state.Callbacks {
		if !here[key] {
			return nil, fmt.Errorf("it has the state of a callback %q, which this learner has not: register the callbacks of the first run before resuming", key)
		}
	}
	return kept, nil
}

// recorder returns the history that the checkpoint has. Older checkpoints do not say
// where epochs ended: they had as many batches as an epoch has now.
func (c *Checkpoint) recorder(groups, batches int, steps *weights.Array) Recorder {
	st := &c.state
	r := Recorder{MetricNames: st.Metrics, smooth: st.Smooth}
	for _, j := range st.Rows {
		row := Row{Epoch: j.Epoch, Phase: j.Phase, TrainLoss: unbits(j.Train), ValidLoss: unbits(j.Valid), Time: j.Time, Step: j.Step, Size: j.Size}
		for _, m := range j.Metrics {
			row.Metrics = append(row.Metrics, unbits(m))
		}
		if row.Step == 0 {
			row.Step = (len(r.Rows) + 1) * batches
		}
		r.Rows = append(r.Rows, row)
	}
	cols := 2 + 2*groups
	if steps == nil || steps.DType != weights.F64 || len(steps.Shape) != 2 || steps.Shape[1] != cols {
		return r
	}
	for i := range steps.Shape[0] {
		v := steps.F64[i*cols:]
		r.Steps = append(r.Steps, StepRecord{Loss: v[0], Smooth: v[1], LR: v[2 : 2+groups : 2+groups], Mom: v[2+groups : cols : cols]})
	}
	return r
}
