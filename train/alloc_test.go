package train

import (
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/testkit/alloctest"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// What a steady training step may leave to the garbage collector, whatever the
// network's depth and the batch: the source of dropout's numbers and little else.
const (
	stepAllocs = 20
	stepBytes  = 4 << 10
)

// TestSteadyStepAllocatesNothing trains a network of every kind of block, frozen and
// not, on small batches until every buffer is there, and then counts.
func TestSteadyStepAllocatesNothing(t *testing.T) {
	for _, name := range []string{"resnet18", "squeezenet1_1", "resnet50", "resnet18d", "seresnet18", "resnext50_32x4d", "regnet_y_400mf", "densenet121",
		"shufflenet_v2_x0_5", "mobilenet_v2", "mobilenetv3_small_100", "mobilenetv4_conv_small", "efficientnet_b0", "efficientnet_v2_s",
		"tf_efficientnet_lite0", "convnext_atto", "convnextv2_atto", "vit_tiny_patch16_224", "vit_small_patch14_reg4_dinov2", "deit3_small_patch16_224"} {
		t.Run(name, func(t *testing.T) {
			if name != models.ResNet18.Name && name != models.SqueezeNet1_1.Name { // the others take long
				slow.Test(t)
			}
			arch, err := models.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			l, err := New(&data.DataLoaders{Vocab: []string{"a", "b", "c"}}, models.NewClassifier(arch, 3, rng.New(1)))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name        string
				frozenTo    int
				batch, size int
			}{{"unfrozen", 0, 2, 64}, {"frozen", -1, 2, 64}, {"another batch", -1, 5, 48}} {
				t.Run(c.name, func(t *testing.T) {
					if err := l.FreezeTo(c.frozenTo); err != nil {
						t.Fatal(err)
					}
					b, hyper := steadyBatch(l, c.batch, c.size)
					step := func() error { return l.TrainBatch(b, hyper) }
					alloctest.Least(t, 3, step)
					allocs, bytes := alloctest.Least(t, 6, step)
					if allocs > stepAllocs || bytes > stepBytes {
						t.Errorf("a step makes %d allocations of %d bytes in all, want at most %d of %d", allocs, bytes, stepAllocs, stepBytes)
					}
				})
			}
		})
	}
}

// steadyBatch returns a batch of noise to train on again and again.
func steadyBatch(l *Learner, batch, size int) (*data.Batch, []optim.Hyper) {
	r := rng.New(2)
	b := &data.Batch{X: tensor.New(batch, size, size, 3), Y: target.Classes(make([]int, batch))}
	for i := range b.X.Data {
		b.X.Data[i] = float32(r.Normal())
	}
	hyper := make([]optim.Hyper, l.Groups())
	for i := range hyper {
		hyper[i] = optim.Hyper{LR: 1e-5, Mom: 0.9, WD: 0.01}
	}
	return b, hyper
}
