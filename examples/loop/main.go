// Loop trains a small network without a Learner: what a step of training is made of.
//
//	go run ./examples/loop
package main

import (
	"log"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/loss"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/optim"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// batch makes n pictures of noise in which one channel, the class, is brighter.
func batch(n int, r *rng.Stream) (x *tensor.Tensor, y target.Targets) {
	x, y.Class = tensor.New(n, 8, 8, 3), make([]int, n)
	for i := range x.Data {
		x.Data[i] = float32(r.Normal())
	}
	for i := range n {
		y.Class[i] = r.IntN(3)
		for p := range 8 * 8 {
			x.Data[(i*8*8+p)*3+y.Class[i]] += 0.5
		}
	}
	return x, y
}

// run trains for so many steps and returns the loss of each.
func run(steps int, seed uint64) (losses []float64, err error) {
	const initial, pictures, dropout = 0, 1, 2 // what random numbers are for
	net := nn.NewSequential(
		nn.NewConv2d(3, 16, 3, 1, 1, false), nn.NewBatchNorm(16), nn.ReLU(),
		nn.ConcatPool{}, nn.Dropout{P: 0.1}, nn.NewLinear(32, 3, true))
	models.InitKaiming(net, rng.New(seed, initial))
	params := nn.Parameters(net)
	group := make([]*optim.Param, len(params)) // the same, as the optimizer sees them
	for i, e := range params {
		group[i] = &optim.Param{Name: e.Name, Data: e.Param.Value.Data, NoDecay: !e.Decays()}
	}
	program, tape := nn.NewProgram(net), autograd.NewTape(autograd.NewArena())
	sgd, crossEntropy, dlogits := &optim.SGD{Mom: 0.9}, &loss.CrossEntropy{}, tensor.New(32, 3)
	for step := range uint64(steps) {
		tape.Reset() // what the step before has used is used again
		tape.Record, tape.Training, tape.Rand = true, true, rng.New(seed, dropout, step)
		x, y := batch(32, rng.New(seed, pictures, step))
		logits, err := program.Forward(tape, tape.Input(x, false))
		if err != nil {
			return losses, err
		}
		l, err := crossEntropy.ForwardBackward(logits.Value, y, nil, dlogits)
		if err != nil {
			return losses, err
		}
		losses = append(losses, l)
		params.ZeroGrad()
		tape.Backward(logits, dlogits)
		for i, e := range params {
			group[i].Grad = e.Param.Grad.Data
		}
		if err := sgd.Step([][]*optim.Param{group}, []optim.Hyper{{LR: 0.02, Mom: 0.9, WD: 1e-4}}); err != nil {
			return losses, err
		}
	}
	return losses, nil
}

func main() {
	losses, err := run(60, 42)
	log.Printf("losses of the steps: %.3f", losses)
	if err != nil {
		log.Fatal(err)
	}
}
