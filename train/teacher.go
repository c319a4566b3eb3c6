package train

import (
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/whippet-ml/whippet/internal/nearest"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

// This file is distillation: a trained network, the teacher, tells its scores for every batch, and the learner's
// model learns to have the same.

// Teacher is a trained network whose scores a learner's model imitates, usually a larger one.
type Teacher struct {
	Model *models.Classifier // it is used as it is, and never changed
	Vocab []string           // names of its classes, in the order of its scores: the learner's, in any order

	// Size is the side of the pictures that the teacher sees, in pixels; the batch's are resized to it, bilinear
	// with antialiasing. 0 leaves them as they are.
	Size int
	// Stats are those by which the teacher's pictures are normalized, and Batch those by which the
	// batch's are; zero means ImageNet's.
	Stats, Batch preprocess.Stats

	// How its scores count in the loss.
	loss.Distillation
}

// Distill lets the learner's model learn from a teacher besides the labels; see loss.Distillation. The
// teacher sees what the model sees: the pictures of each batch as augmentation, mixup and other callbacks
// have made them. It runs in evaluation mode, in the fast form of prediction. Validation is by labels alone.
func Distill(t Teacher) Option { return func(l *Learner) { l.Teacher = &t } }

// String says what a checkpoint must find again: the loss, and which network taught.
func (t *Teacher) String() string {
	return fmt.Sprintf("%v of %s %08x at size %d", t.Distillation, t.Model.Arch.Name, t.Digest(), t.Size)
}

// Digest is a checksum of the teacher's weights and statistics.
func (t *Teacher) Digest() uint32 {
	h := crc32.NewIEEE()
	var b []byte
	for _, e := range nn.State(t.Model) {
		b = b[:0]
		for _, v := range e.Values() {
			n := math.Float32bits(v)
			b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		}
		h.Write(b)
	}
	return h.Sum32()
}

// Knows reports why the teacher cannot teach a learner of these classes: they must be its own, in any order.
func (t *Teacher) Knows(classes []string) error {
	_, err := matchClasses(classes, t.Vocab)
	return err
}

// Bytes is how much memory the teacher's weights and statistics take, in bytes. The learner keeps those of convolutions
// and matrices a second time, in the order in which they are computed with.
func (t *Teacher) Bytes() int64 {
	n := int64(0)
	for _, e := range nn.State(t.Model) {
		n += 4 * int64(tensor.Size(e.Shape...))
	}
	return n
}

// teaching is a teacher at work.
type teaching struct {
	*Teacher
	name   string // Teacher.String
	net    *nn.Inference
	class  []int          // of the teacher, for each of the learner's
	scores *tensor.Tensor // in the order of the teacher's classes
	known  *tensor.Tensor // in the learner's
	x      *tensor.Tensor // the teacher's pictures, where they are not the batch's
	resize *resizer       // nil until pictures need it
}

// newTeaching prepares l's teacher, or reports why it cannot teach l.
func (l *Learner) newTeaching() (*teaching, error) {
	t := l.Teacher
	if t == nil {
		return nil, nil
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	switch {
	case t.Model == nil:
		return nil, fmt.Errorf("train: the teacher has no model")
	case t.Model == l.Model:
		return nil, fmt.Errorf("train: the teacher is the learner's own model: give another one")
	case !l.DLs.Task().Exclusive() || task.Continuous(l.DLs.Task()):
		return nil, fmt.Errorf("train: distillation is for pictures with one class each, and the task here is %s", l.DLs.Task().Name())
	case t.Size < 0 || t.Size > 0 && t.Size < t.Model.Arch.MinSize:
		return nil, fmt.Errorf("train: a teacher that sees pictures of %d pixels: %s needs %d at least", t.Size, t.Model.Arch.Name, t.Model.Arch.MinSize)
	case l.Loss.Reduce() == loss.None:
		return nil, fmt.Errorf("train: distillation needs a loss with reduction mean or sum, not %s", l.Loss)
	}
	for _, s := range []preprocess.Stats{t.Stats.WithDefaults(), t.Batch.WithDefaults()} {
		if err := s.Check(); err != nil {
			return nil, fmt.Errorf("train: the teacher's pictures: %w", err)
		}
	}
	class, err := matchClasses(l.DLs.Vocab, t.Vocab)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if t.Model.Classes != len(t.Vocab) {
		return nil, fmt.Errorf("train: the teacher has %d scores and %d names of classes", t.Model.Classes, len(t.Vocab))
	}
	return &teaching{Teacher: t, name: t.String(), net: nn.CompileWith(t.Model, l.arena), class: class}, nil
}

// matchClasses returns for each of the learner's classes which one of the teacher's it is.
func matchClasses(own, teacher []string) ([]int, error) {
	place := map[string]int{}
	for i, name := range teacher {
		place[name] = i
	}
	class := make([]int, len(own))
	var missing []string
	for i, name := range own {
		at, ok := place[name]
		if !ok {
			missing = append(missing, name)
		}
		class[i] = at
	}
	var foreign []string
	for _, name := range teacher {
		if !slices.Contains(own, name) {
			foreign = append(foreign, name)
		}
	}
	if len(missing)+len(foreign) == 0 && len(own) == len(teacher) {
		return class, nil
	}
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, fmt.Sprintf("the teacher does not know %s", brief(missing)))
		parts[0] += nearest.Hint(missing[0], teacher)
	}
	if len(foreign) > 0 {
		parts = append(parts, fmt.Sprintf("the data has no %s", brief(foreign)))
	}
	return nil, fmt.Errorf("a teacher of %d classes for data of %d: %s: both must have the same classes, in any order", len(teacher), len(own), strings.Join(parts, "; "))
}

// prepareTeaching sets the teacher to work, unless it is already.
func (l *Learner) prepareTeaching() (err error) {
	if l.teaching != nil && l.teaching.Teacher == l.Teacher {
		return nil
	}
	l.teaching, err = l.newTeaching()
	return err
}

// teacherName is what a checkpoint says of the teacher; "" for none.
func (l *Learner) teacherName() string {
	if l.teaching == nil {
		return ""
	}
	return l.teaching.name
}

// look runs the teacher on the pictures of a batch.
func (t *teaching) look(x *tensor.Tensor) error {
	own, its := t.Batch.WithDefaults(), t.Stats.WithDefaults()
	if size := t.Size; size > 0 && (x.Dim(1) != size || x.Dim(2) != size) {
		if t.resize == nil || t.resize.from != [2]int{x.Dim(1), x.Dim(2)} {
			t.resize = newResizer(x.Dim(1), x.Dim(2), size, size)
		}
		t.x = likeThis(t.x, x.Dim(0), size, size, x.Dim(3))
		t.resize.apply(t.x, x)
		x = t.x
	}
	if own != its {
		t.x = likeThis(t.x, x.Shape...)
		renormalize(t.x, x, own, its)
		x = t.x
	}
	n := x.Dim(0)
	t.scores = likeThis(t.scores, n, len(t.class))
	t.known = likeThis(t.known, n, len(t.class))
	if err := t.net.RunInto(x, t.scores.Data); err != nil {
		return fmt.Errorf("train: the teacher, on pictures of %d×%d: %w", x.Dim(2), x.Dim(1), err)
	}
	c := len(t.class)
	for i := range n {
		for j, at := range t.class {
			t.known.Data[i*c+j] = t.scores.Data[i*c+at]
		}
	}
	return nil
}

// likeThis returns t if it has the shape or the room for it, otherwise a new tensor.
func likeThis(t *tensor.Tensor, shape ...int) *tensor.Tensor {
	if t != nil && tensor.SameShape(t.Shape, shape) {
		return t
	}
	if n := tensor.Size(shape...); t != nil && cap(t.Data) >= n {
		return tensor.FromSlice(t.Data[:n], shape...)
	}
	return tensor.New(shape...)
}

// lookAtBatch runs the teacher, if there is one, on l.Batch.
func (l *Learner) lookAtBatch() error {
	if l.teaching == nil {
		return nil
	}
	start := time.Now()
	err := l.teaching.look(l.Batch.X)
	l.Profile.Add("teacher", time.Since(start))
	return err
}

// learnFromTeacher adds the teacher's part to the loss on labels and to its gradient.
func (l *Learner) learnFromTeacher(logits *tensor.Tensor, labels float64, dlogits *tensor.Tensor) (float64, error) {
	t := l.teaching
	if t == nil {
		return labels, nil
	}
	return t.Add(logits, t.known, l.Loss.Reduce(), labels, dlogits)
}
