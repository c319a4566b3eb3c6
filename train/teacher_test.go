package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// tinyTeacher knows the classes of tinyLearner, in another order, and sees pictures in another size, normalized in another way.
func tinyTeacher() Teacher {
	return Teacher{Model: tinyModel(8), Vocab: []string{"c", "a", "b"}, Size: tinySize + 3, Stats: preprocess.CIFARStats,
		Distillation: loss.Distillation{Alpha: 0.4, Temperature: 2}}
}

// TestTeacherIsImitated wants a model to come closer to its teacher's scores, without labels.
func TestTeacherIsImitated(t *testing.T) {
	teacher := tinyTeacher()
	teacher.Alpha = 1
	var losses []float64
	l := tinyLearner(t, 1, Distill(teacher), Callbacks(CallbackFunc(func(e Event, l *Learner) error {
		if e == AfterLoss {
			losses = append(losses, l.LossNow)
		}
		return nil
	})))
	before := modelBits(l)
	taught := nn.State(teacher.Model).Arrays()
	kept := slices.Clone(taught[0].F32)
	if err := l.FitOneCycle(context.Background(), 8, schedule.Flat(2e-2)); err != nil {
		t.Fatal(err)
	}
	mean := func(v []float64) (m float64) {
		for _, x := range v {
			m += x / float64(len(v))
		}
		return m
	}
	if first, last := mean(losses[:tinyIters]), mean(losses[len(losses)-tinyIters:]); last > first/2 {
		t.Errorf("the distance to the teacher was %v in the first epoch, and is %v in the last", first, last)
	}
	if !slices.Equal(kept, nn.State(teacher.Model).Arrays()[0].F32) || len(before) == 0 {
		t.Error("the teacher has changed")
	}
}

// TestTeacherSeesTheBatch compares the loss of a step with the one that the teacher's scores give, which it has of pictures
// in its own size, normalization and order of classes.
func TestTeacherSeesTheBatch(t *testing.T) {
	teacher := tinyTeacher()
	var x *tensor.Tensor
	var got, want float64
	l := tinyLearner(t, 1, Distill(teacher), Callbacks(&MixUp{}, CallbackFunc(func(e Event, l *Learner) error {
		switch e {
		case BeforeBatch:
			x = l.Batch.X.Clone()
		case AfterLoss:
			if want != 0 {
				return nil
			}
			n, size := x.Dim(0), teacher.Size
			y := tensor.New(n, size, size, 3)
			newResizer(x.Dim(1), x.Dim(2), size, size).apply(y, x)
			for i := range y.Data {
				k := i % 3
				sample := y.Data[i]*preprocess.ImageNetStats.Std[k] + preprocess.ImageNetStats.Mean[k]
				y.Data[i] = (sample - preprocess.CIFARStats.Mean[k]) / preprocess.CIFARStats.Std[k]
			}
			scores, err := nn.Compile(teacher.Model).Run(y)
			if err != nil {
				return err
			}
			known := tensor.New(n, tinyClasses)
			for i := range n {
				for to, from := range []int{1, 2, 0} { // a, b, c
					known.Data[i*tinyClasses+to] = scores.Data[i*tinyClasses+from]
				}
			}
			labels, err := l.Loss.Forward(l.Logits, l.Targets, nil)
			if err != nil {
				return err
			}
			want, err = teacher.Add(l.Logits, known, loss.Mean, labels, tensor.New(n, tinyClasses))
			got = l.LossNow
			return err
		}
		return nil
	})))
	if err := l.Fit(context.Background(), 1, schedule.Flat(1e-2)); err != nil {
		t.Fatal(err)
	}
	if math.Abs(got-want) > 1e-5*math.Abs(want) {
		t.Errorf("the loss of a step is %v, want %v", got, want)
	}
}

// TestTeacherOnRanks learns from a teacher alone and on several ranks.
func TestTeacherOnRanks(t *testing.T) {
	fit := func(g distributed.Group) (*Learner, error) {
		l := shardedRecipe(t, g, "")
		Distill(tinyTeacher())(l)
		return l, l.FineTune(context.Background(), 1, BaseLR(0.02))
	}
	alone, err := fit(distributed.Alone{})
	if err != nil {
		t.Fatal(err)
	}
	want := modelBits(alone)
	for _, p := range []int{2, 4} {
		for r, err := range ranked(p, func(g distributed.Group) error {
			l, err := fit(g)
			if err == nil {
				sameBits(t, "on ranks", want, modelBits(l))
			}
			return err
		}) {
			if err != nil {
				t.Errorf("rank %d of %d: %v", r, p, err)
			}
		}
	}
}

func TestTeacherErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(*Teacher, *Learner)
		want string
	}{
		{"other classes", func(s *Teacher, _ *Learner) { s.Vocab = []string{"a", "b", "d"} }, "does not know c"},
		{"more classes", func(s *Teacher, _ *Learner) { s.Vocab = []string{"a", "b", "c", "d"} }, "a teacher of 4 classes for data of 3: the data has no d"},
		{"a class twice", func(s *Teacher, _ *Learner) { s.Vocab = []string{"a", "b", "c", "c"} }, "a teacher of 4 classes for data of 3"},
		{"no share", func(s *Teacher, _ *Learner) { s.Alpha = 0 }, "Alpha is 0"},
		{"itself", func(s *Teacher, l *Learner) { s.Model = l.Model }, "is the learner's own model"},
		{"no model", func(s *Teacher, _ *Learner) { s.Model = nil }, "has no model"},
		{"no deviation", func(s *Teacher, _ *Learner) { s.Batch.Std[1] = 1 }, "standard deviation"},
		{"several labels", func(_ *Teacher, l *Learner) { l.DLs.Block.Task = task.MultiLabel }, "with one class each"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, teacher := tinyLearner(t, 1), tinyTeacher()
			c.bend(&teacher, l)
			l.Teacher = &teacher
			if err := l.Fit(context.Background(), 1, schedule.Flat(1e-2)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	dir := interruptedRun(t, Distill(tinyTeacher()))
	other := tinyTeacher()
	other.Model = tinyModel(9)
	l := checkpointed(t, dir, Distill(other))
	from, err := LoadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Resume(context.Background(), from); err == nil || !strings.Contains(err.Error(), "its teacher is distillation(alpha=0.4,temperature=2) of tiny") {
		t.Errorf("resuming with another teacher: %v", err)
	}
}

// TestResizer compares with PyTorch: testdata/resize.py.
func TestResizer(t *testing.T) {
	raw, err := os.ReadFile("testdata/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		X     []float32
		Cases []struct {
			H, W int
			Y    []float32
		}
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	x := tensor.FromSlice(golden.X, 2, 7, 5, 3)
	for _, c := range golden.Cases {
		y := tensor.New(2, c.H, c.W, 3)
		newResizer(7, 5, c.H, c.W).apply(y, x)
		for i, want := range c.Y {
			if math.Abs(float64(y.Data[i]-want)) > 2e-6 {
				t.Errorf("%d×%d: value %d is %v, PyTorch has %v", c.H, c.W, i, y.Data[i], want)
				break
			}
		}
	}
}

// TestTeacherStepAllocatesLittle wants steps with a teacher to keep their memory.
func TestTeacherStepAllocatesLittle(t *testing.T) {
	l := tinyLearner(t, 1)
	if err := l.prepareTeaching(); err != nil {
		t.Fatal(err)
	}
	teacher := tinyTeacher()
	l.Teacher = &teacher
	if err := l.prepareTeaching(); err != nil {
		t.Fatal(err)
	}
	x := tensor.New(8, tinySize, tinySize, 3)
	for i, r := 0, rng.New(1); i < x.Len(); i++ {
		x.Data[i] = float32(r.Normal())
	}
	if n := testing.AllocsPerRun(10, func() {
		if err := l.teaching.look(x); err != nil {
			t.Fatal(err)
		}
	}); n > 6 {
		t.Errorf("a look at a batch allocates %v times", n)
	}
}
