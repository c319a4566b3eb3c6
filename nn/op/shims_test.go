package op

import "github.com/whippet-ml/whippet/autograd"

// These functions run operations on a tape without a graph, as a plan has not
// touched them.

func conv2d(tp *autograd.Tape, x *autograd.Variable, w, bias *autograd.Parameter, stride, pad int, relu bool) *autograd.Variable {
	c := &Conv{Weight: w, Bias: bias, Stride: stride, Pad: pad}
	if relu {
		c.Activation = ReLU
	}
	return c.Forward(tp, []*autograd.Variable{x})
}

// convBranch is a convolution with ReLU.
type convBranch struct {
	Weight, Bias *autograd.Parameter
	Stride, Pad  int
}

func (b convBranch) conv() *Conv {
	return &Conv{Weight: b.Weight, Bias: b.Bias, Stride: b.Stride, Pad: b.Pad, Activation: ReLU}
}

func maxPool2d(tp *autograd.Tape, x *autograd.Variable, k, stride, pad int, ceil bool) *autograd.Variable {
	return MaxPool{Kernel: k, Stride: stride, Pad: pad, Ceil: ceil}.Forward(tp, []*autograd.Variable{x})
}

func batchNormReLUMaxPool(tp *autograd.Tape, x *autograd.Variable, s *BatchNormState, k, stride, pad int, ceil bool) *autograd.Variable {
	o := NormMaxPool{Norm: &Norm{State: s, Activation: ReLU}, Pool: MaxPool{Kernel: k, Stride: stride, Pad: pad, Ceil: ceil}}
	return o.Forward(tp, []*autograd.Variable{x})
}

func convReLUMaxPool(tp *autograd.Tape, x *autograd.Variable, b convBranch, k, stride, pad int, ceil bool) *autograd.Variable {
	o := ConvMaxPool{Conv: b.conv(), Pool: MaxPool{Kernel: k, Stride: stride, Pad: pad, Ceil: ceil}}
	return o.Forward(tp, []*autograd.Variable{x})
}
