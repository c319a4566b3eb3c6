package train

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/tensor"
)

// twiceAsLarge shows each pixel of another input four times.
type twiceAsLarge struct{ data.BatchTransform }

func (f twiceAsLarge) OutSize(h, w int) (int, int) {
	h, w = f.BatchTransform.OutSize(h, w)
	return 2 * h, 2 * w
}

func (f twiceAsLarge) Apply(dst *tensor.Tensor, imgs []*data.Image, train bool, r *rng.Stream) error {
	n, h, w, c := dst.Shape[0], dst.Shape[1], dst.Shape[2], dst.Shape[3]
	small := tensor.New(n, h/2, w/2, c)
	if err := f.BatchTransform.Apply(small, imgs, train, r); err != nil {
		return err
	}
	for i := range dst.Data {
		at := [4]int{i / c / w / h, i / c / w % h / 2, i / c % w / 2, i % c}
		dst.Data[i] = small.Data[((at[0]*(h/2)+at[1])*(w/2)+at[2])*c+at[3]]
	}
	return nil
}

// growing trains on pictures of tinySize for some epochs, and of twice that for others.
func growing(small, large int) Option {
	return func(l *Learner) {
		big, err := l.DLs.Train.With(func(c *data.LoaderConfig) { c.BatchTransforms = twiceAsLarge{c.BatchTransforms} })
		if err != nil {
			panic(err)
		}
		l.Stages = []Stage{{Epochs: small, Size: tinySize}, {Epochs: large, Size: 2 * tinySize, Train: big}}
	}
}

func TestStages(t *testing.T) {
	var sides []int
	var memory []int64
	look := CallbackFunc(func(e Event, l *Learner) error {
		switch e {
		case BeforeBatch:
			if x := l.Batch.X; x.Dim(1) != l.Size || x.Dim(2) != l.Size {
				t.Errorf("pictures of %v at size %d", x.Shape, l.Size)
			}
		case AfterBatch:
			memory = append(memory, l.ArenaBytes())
		case AfterEpoch:
			sides = append(sides, l.Size)
		}
		return nil
	})
	l := tinyLearner(t, 2, growing(2, 2), Callbacks(look))
	if err := l.FineTune(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	if want := []int{8, 8, 16, 16}; !slices.Equal(sides, want) {
		t.Errorf("epochs of sizes %v, want %v", sides, want)
	}
	if first, most := memory[0], slices.Max(memory); first < most {
		t.Errorf("the first step holds %d bytes, a later one %d: memory must not grow", first, most)
	}
	var table strings.Builder
	if err := l.Recorder.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Split(table.String(), "\n"); rows[0] != "epoch,size,train_loss,valid_loss,time" || !strings.HasPrefix(rows[3], "2,16,") {
		t.Errorf("the history is\n%s", &table)
	}
}

// TestOneStage compares a fit in one stage, of the learner's own pictures, with one without stages:
// the batch that is run ahead leaves nothing behind.
func TestOneStage(t *testing.T) {
	plain, staged := tinyLearner(t, 1), tinyLearner(t, 1)
	staged.Stages = []Stage{{Epochs: 3, Size: tinySize}}
	for _, l := range []*Learner{plain, staged} {
		if err := l.FineTune(context.Background(), 2); err != nil {
			t.Fatal(err)
		}
	}
	sameBits(t, "in one stage", modelBits(plain), modelBits(staged))
	if a, b := history(plain), history(staged); a != b {
		t.Errorf("the history differs:\n%s\n%s", a, b)
	}
}

// TestStagesOnRanks trains over two sizes alone and on several ranks.
func TestStagesOnRanks(t *testing.T) {
	fit := func(g distributed.Group) (*Learner, error) {
		l := shardedRecipe(t, g, "")
		growing(1, 2)(l)
		return l, l.FineTune(context.Background(), 2, BaseLR(0.02))
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

func TestStageErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		stages func(l *Learner) []Stage
		want   string
	}{
		{"other epochs", func(*Learner) []Stage { return []Stage{{Epochs: 2, Size: 8}} }, "the stages (8 for 2) have 2 epochs together, the fit has 1"},
		{"no epochs", func(*Learner) []Stage { return []Stage{{Size: 8}, {Epochs: 1, Size: 8}} }, "stage 0 has 0 epochs at size 8"},
		{"other batches", func(l *Learner) []Stage { return []Stage{{Epochs: 1, Size: 8, Train: l.DLs.Valid}} }, "make its loader by DLs.Train.With"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := tinyLearner(t, 1)
			l.Stages = c.stages(l)
			before := modelBits(l)
			if err := l.Fit(context.Background(), 1, schedule.Flat(1e-3)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			sameBits(t, "after an error", before, modelBits(l))
		})
	}
	dir := interruptedRun(t)
	l := checkpointed(t, dir, growing(1, 2))
	from, err := LoadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Resume(context.Background(), from); err == nil || !strings.Contains(err.Error(), "sizes of pictures by epochs is one, the learner's 8 for 1, 16 for 2") {
		t.Errorf("resuming in stages what began in none: %v", err)
	}
}
