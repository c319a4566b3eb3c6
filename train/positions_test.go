package train

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// tokensNet is a transformer of one attention, for pictures of 4·grid pixels at first.
func tokensNet(grid int) *models.Architecture {
	return &models.Architecture{Name: "tiny_tokens", Features: 8, Pooled: true, MinSize: 4, Units: func() *nn.Sequential {
		return nn.NewNamed(
			nn.Child{Name: "patches", Module: nn.NewConv2d(3, 8, 4, 4, 0, true)},
			nn.Child{Name: "tokens", Module: nn.NewTokens(grid, 8, 0, true)},
			nn.Child{Name: "attention", Module: nn.NewAttention(8, 2)},
			nn.Child{Name: "first", Module: nn.FirstToken{}})
	}}
}

// TestResumeWithOtherPositions: a run whose weights had positions for another size than
// the architecture's goes on from its checkpoint in a learner that has not read them.
func TestResumeWithOtherPositions(t *testing.T) {
	learner := func(pos *weights.File, opts ...Option) *Learner {
		model := models.NewClassifier(tokensNet(2), 3, rng.New(3))
		if pos != nil && model.FitPositions(pos) == nil {
			t.Fatal("the positions fit already")
		}
		l, err := New(tinyLearner(t, 1).DLs, model, append(opts, Seed(7), LayerDecay(0.9))...)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	const name = "tokens.pos_embed"
	nine := &weights.File{Arrays: []weights.Array{{Name: name, Shape: []int{1, 1 + 9, 8}}}}
	alone := learner(nine)
	if err := alone.FineTune(context.Background(), 1, BaseLR(0.02)); err != nil {
		t.Fatal(err)
	}
	if got := len(modelBits(alone)[name]); got != 80 {
		t.Fatalf("%d values of positions, want 80", got)
	}
	dir := t.TempDir()
	stopped := learner(nine)
	stopped.Checkpoints = &Checkpoints{Dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := stopped.FineTune(ctx, 1, BaseLR(0.02), With(&interruptAt{event: AfterStep, k: tinyIters + 1, cancel: cancel})); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	c, err := LoadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	next := learner(nil)
	before := modelBits(next)
	for i := range c.arrays { // first a checkpoint that cannot be resumed for another reason
		if c.arrays[i].Name == "patches.weight" {
			c.arrays[i].Name = "patches.heavy"
			if err := next.Resume(context.Background(), c); err == nil || !strings.Contains(err.Error(), "patches.weight") {
				t.Errorf("a checkpoint without patches.weight: %v", err)
			}
			c.arrays[i].Name = "patches.weight"
		}
	}
	sameBits(t, "after an error", before, modelBits(next))
	if err := next.Resume(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "resumed", modelBits(alone), modelBits(next))
}
