package train

import (
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// BenchmarkStep is a full training step of a classifier: forward, loss,
// backward and Adam.
func BenchmarkStep(b *testing.B) {
	for _, a := range []*models.Architecture{models.ResNet34, models.ResNet50, models.SqueezeNet1_1} {
		b.Run(a.Name, func(b *testing.B) {
			const n = 32
			r := rng.New(1)
			m := models.NewClassifier(a, 37, r)
			x := tensor.New(n, 224, 224, 3)
			for i := range x.Data {
				x.Data[i] = float32(r.Normal())
			}
			y := make([]int, n)
			arena, opt := autograd.NewArena(), &optim.Adam{}
			var params []*optim.Param
			entries := nn.Parameters(m)
			for _, e := range entries {
				params = append(params, &optim.Param{Name: e.Name, Data: e.Param.Value.Data, NoDecay: !e.Decays()})
			}
			d := tensor.New(n, 37)
			prof, program := autograd.NewProfile(), nn.NewProgram(m)
			step := func() {
				tp := autograd.NewTape(arena)
				defer tp.Reset()
				tp.Record, tp.Training, tp.Rand, tp.Profile = true, true, rng.New(2), prof
				for _, e := range entries {
					e.Param.ZeroGrad()
				}
				out, err := program.Forward(tp, tp.Input(x, false))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := (&loss.CrossEntropy{}).ForwardBackward(out.Value, target.Classes(y), nil, d); err != nil {
					b.Fatal(err)
				}
				tp.Backward(out, d)
				for i, e := range entries {
					params[i].Grad = e.Param.Grad.Data
				}
				if err := opt.Step([][]*optim.Param{params}, []optim.Hyper{{LR: 1e-4, Mom: 0.9, WD: 0.01}}); err != nil {
					b.Fatal(err)
				}
			}
			step()
			prof.Reset()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				step()
			}
			b.StopTimer()
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "img/s")
			for _, s := range prof.Shares() {
				b.Logf("%-24s %7.2f ms", s.Kind, s.Time.Seconds()*1000/float64(b.N))
			}
		})
	}
}
