package op

import (
	"testing"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// chainNet is a stem, n residual blocks whose shortcut is the input, one whose
// shortcut is a convolution, n more, and pooling: [8,32,32,3] to [8,32].
type chainNet struct {
	n     int
	convs []*autograd.Parameter
	norms []*BatchNormState
}

func newChainNet(n int) *chainNet {
	r := rng.New(11)
	net := &chainNet{n: n}
	conv := func(k, in, out int) {
		w := tensor.New(k, k, in, out)
		for i := range w.Data {
			w.Data[i] = float32(r.Normal()) * 0.2
		}
		net.convs = append(net.convs, autograd.NewParameter(w))
		s := &BatchNormState{Weight: autograd.NewParameter(tensor.New(out)), Bias: autograd.NewParameter(tensor.New(out)),
			RunningMean: make([]float32, out), RunningVar: make([]float32, out), Eps: 1e-5, Momentum: 0.1}
		for i := range out {
			s.Weight.Value.Data[i], s.Bias.Value.Data[i], s.RunningVar[i] = 1+0.1*float32(r.Normal()), 0.1*float32(r.Normal()), 1
		}
		net.norms = append(net.norms, s)
	}
	conv(3, 3, 16)
	for range n {
		conv(3, 16, 16)
		conv(3, 16, 16)
	}
	conv(1, 16, 32)
	conv(3, 16, 32)
	conv(3, 32, 32)
	for range n {
		conv(3, 32, 32)
		conv(3, 32, 32)
	}
	return net
}

func (net *chainNet) forward(tp *autograd.Tape, x *autograd.Variable) *autograd.Variable {
	i := 0
	cn := func(x, residual *autograd.Variable, stride int, relu bool) *autograd.Variable {
		w := net.convs[i]
		c := conv2d(tp, x, w, nil, stride, w.Value.Shape[0]/2, false)
		y := normForward(tp, c, net.norms[i], residual, relu)
		tp.Free(c)
		i++
		return y
	}
	blocks := func(h *autograd.Variable) *autograd.Variable {
		for range net.n {
			a := cn(h, nil, 1, true)
			y := cn(a, h, 1, true)
			tp.Free(a)
			tp.Free(h)
			h = y
		}
		return h
	}
	c := conv2d(tp, x, net.convs[i], nil, 1, 1, false)
	h := batchNormReLUMaxPool(tp, c, net.norms[i], 3, 2, 1, false)
	tp.Free(c)
	i++
	h = blocks(h)
	short := cn(h, nil, 2, false)
	a := cn(h, nil, 2, true)
	y := cn(a, short, 1, true)
	for _, v := range []*autograd.Variable{h, short, a} {
		tp.Free(v)
	}
	return globalAvgForward(tp, blocks(y), false)
}

// A value that is dropped and made again has the same bits: every gradient is
// what it is when everything is kept, and less is in memory.
func TestRecipesKeepTheBits(t *testing.T) {
	for _, tc := range []struct {
		name   string
		frozen func(conv int) bool
		saves  float64 // part of the memory at least
	}{
		{"all trains", func(int) bool { return false }, 0.3},
		{"convolutions frozen", func(int) bool { return true }, 0}, // nothing is read anyway
		{"first half frozen", func(conv int) bool { return conv < 10 }, 0.2},
		{"every other convolution frozen", func(conv int) bool { return conv%2 == 0 }, 0.2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := func(keepAll bool) (grads [][]float32, peak int64) {
				net, arena := newChainNet(7), autograd.NewArena()
				for i, w := range net.convs {
					w.RequiresGrad = !tc.frozen(i)
				}
				x, dout := tensor.New(8, 32, 32, 3), tensor.New(8, 32)
				r := rng.New(3)
				for i := range x.Data {
					x.Data[i] = float32(r.Normal())
				}
				for i := range dout.Data {
					dout.Data[i] = float32(r.Normal())
				}
				tp := autograd.NewTape(arena)
				tp.Record, tp.Training, tp.KeepAll = true, true, keepAll
				tp.Backward(net.forward(tp, tp.Input(x, false)), dout)
				tp.Reset()
				for i := range net.convs {
					for _, p := range []*autograd.Parameter{net.convs[i], net.norms[i].Weight, net.norms[i].Bias} {
						if p.RequiresGrad != p.HasGrad {
							t.Fatalf("layer %d: requires a gradient: %t, has one: %t", i, p.RequiresGrad, p.HasGrad)
						}
						if p.HasGrad {
							grads = append(grads, append([]float32(nil), p.Grad.Data...))
							p.ZeroGrad()
						}
					}
				}
				if n := arena.InUse(); n != 0 {
					t.Errorf("keepAll %t: %d buffers are still out after Reset", keepAll, n)
				}
				return grads, arena.Peak()
			}
			want, most := run(true)
			got, peak := run(false)
			for i := range want {
				for j := range want[i] {
					if got[i][j] != want[i][j] {
						t.Fatalf("gradient %d, value %d is %v, with everything kept %v", i, j, got[i][j], want[i][j])
					}
				}
			}
			if saved := 1 - float64(peak)/float64(most); saved < tc.saves {
				t.Errorf("peak %d bytes, with everything kept %d: %.2f saved, want %.2f", peak, most, saved, tc.saves)
			}
		})
	}
}
