package finetune_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/finetune"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/schedule"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

// trainedBits are the beginnings of SHA-256 sums of what a short training
// leaves: parameters, statistics and losses. AVX2 and NEON sum in one order and
// round alike, and have one sum; plain Go has one on any processor. Losses are
// rounded to 32 bits: Go's own exp and log differ between processors in the last
// of 53.
type trainedBits struct{ arch, simd, generic string }

// TestTrainedBits trains networks on drawn pictures and compares what is left
// with the bits of the machine on which this was written.
func TestTrainedBits(t *testing.T) {
	trainedBits{"resnet10_small", "80185327ffa2f925", "3047860b95a47745"}.check(t)
	trainedBits{"mobilenetv3_small_100", "16bad8863a5a43ac", "1e5300d724450743"}.check(t)
}

// TestTrainedBitsOfTransformer is TestTrainedBits of layer norm, attention and
// GELU.
func TestTrainedBitsOfTransformer(t *testing.T) {
	slow.Test(t)
	trainedBits{"vit_tiny_patch16_224", "112fb4d87a48005d", "9cd56bf384cfe018"}.check(t)
}

func (b trainedBits) check(t *testing.T) {
	for _, set := range isa.Available() {
		t.Run(b.arch+"/"+set.String(), func(t *testing.T) {
			want := b.simd
			switch set {
			case isa.AVX512:
				t.Skip("sums of AVX-512 are cut otherwise, and its bits were not written down")
			case isa.Generic:
				want = b.generic
			}
			defer isa.Use(isa.Use(set))
			if got := bitsOfTraining(t, b.arch); got != want {
				t.Errorf("the training ends in the bits %s, not in %s", got, want)
			}
		})
	}
}

func bitsOfTraining(t *testing.T, name string) string {
	t.Helper()
	ctx := context.Background()
	block := data.Block{
		Items:           drawn.Source{Options: drawn.Options{PerClass: 4, Size: 48}},
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		Split:           data.RandomSplit(0.2, 42),
		BatchTransforms: vision.AugTransforms{Size: 32},
		BatchSize:       8,
	}
	dls, err := block.DataLoaders(ctx, "drawn")
	if err != nil {
		t.Fatal(err)
	}
	arch, err := models.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	learn, err := finetune.NewLearner(ctx, dls, arch, finetune.RandomWeights())
	if err != nil {
		t.Fatal(err)
	}
	if err := learn.FitOneCycle(ctx, 1, schedule.Flat(1e-3), train.With(&train.MixUp{Alpha: 0.4})); err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, e := range nn.State(learn.Model) {
		values := e.Buffer
		if e.Param != nil {
			values = e.Param.Value.Data
		}
		if err := binary.Write(sum, binary.LittleEndian, values); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range learn.Recorder.Rows {
		fmt.Fprintln(sum, math.Float32bits(float32(row.TrainLoss)), math.Float32bits(float32(row.ValidLoss)))
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
