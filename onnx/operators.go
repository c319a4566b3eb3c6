package onnx

import "github.com/whippet-ml/whippet/weights"

// The operators of image classifiers, each with the attributes that PyTorch's
// layer of that name has. Every method adds one node and returns its output,
// which gets the name given first. Activations are [N, C, H, W].

// Window is the geometry of a convolution or pooling, the same for rows and
// columns: size of the kernel, stride (0 means 1) and padding on each side, or with
// Same, whatever makes a result of ceil(size/stride), the odd row and column at the end.
type Window struct {
	Size, Stride, Pad int
	Same              bool
}

func (w Window) attrs() []Attr {
	stride := max(w.Stride, 1)
	padding := AttrInts("pads", w.Pad, w.Pad, w.Pad, w.Pad)
	if w.Same {
		padding = AttrString("auto_pad", "SAME_UPPER")
	}
	return []Attr{AttrInts("kernel_shape", w.Size, w.Size), AttrInts("strides", stride, stride), padding}
}

// Conv is a convolution of x with weight [K, C/groups, KH, KW] and, unless it
// is empty, bias [K]. groups 0 means 1.
func (g *Graph) Conv(output string, x, weight, bias Value, w Window, groups int) Value {
	inputs := []Value{x, weight}
	if bias != "" {
		inputs = append(inputs, bias)
	}
	return g.AddNode("Conv", output, inputs, append(w.attrs(), AttrInt("group", max(groups, 1)))...)
}

// BatchNorm normalizes each channel with stored statistics: scale, shift, mean
// and variance are [C]. epsilon is added to the variance (PyTorch: 1e-5).
func (g *Graph) BatchNorm(output string, x, scale, shift, mean, variance Value, epsilon float32) Value {
	return g.AddNode("BatchNormalization", output, []Value{x, scale, shift, mean, variance}, AttrFloat("epsilon", epsilon))
}

// Relu is max(x, 0).
func (g *Graph) Relu(output string, x Value) Value {
	return g.AddNode("Relu", output, []Value{x})
}

// Sigmoid is 1/(1 + exp(-x)).
func (g *Graph) Sigmoid(output string, x Value) Value {
	return g.AddNode("Sigmoid", output, []Value{x})
}

// HardSigmoid is min(max(alpha*x+beta, 0), 1). PyTorch's layer has alpha 1/6 and
// beta 0.5.
func (g *Graph) HardSigmoid(output string, x Value, alpha, beta float32) Value {
	return g.AddNode("HardSigmoid", output, []Value{x}, AttrFloat("alpha", alpha), AttrFloat("beta", beta))
}

// Clip is min(max(x, low), high); low and high are scalars.
func (g *Graph) Clip(output string, x, low, high Value) Value {
	return g.AddNode("Clip", output, []Value{x, low, high})
}

// Erf is the error function.
func (g *Graph) Erf(output string, x Value) Value {
	return g.AddNode("Erf", output, []Value{x})
}

// MaxPool is the largest value in each window; padding never wins. ceil rounds
// the size of the output up instead of down, as SqueezeNet does.
func (g *Graph) MaxPool(output string, x Value, w Window, ceil bool) Value {
	mode := 0
	if ceil {
		mode = 1
	}
	return g.AddNode("MaxPool", output, []Value{x}, append(w.attrs(), AttrInt("ceil_mode", mode))...)
}

// AveragePool is the mean of each window, in which padding counts as zeros
// (PyTorch's default).
func (g *Graph) AveragePool(output string, x Value, w Window) Value {
	return g.AddNode("AveragePool", output, []Value{x}, append(w.attrs(), AttrInt("count_include_pad", 1))...)
}

// GlobalAveragePool gives [N, C, 1, 1], the mean of each map.
func (g *Graph) GlobalAveragePool(output string, x Value) Value {
	return g.AddNode("GlobalAveragePool", output, []Value{x})
}

// GlobalMaxPool gives [N, C, 1, 1], the largest value of each map.
func (g *Graph) GlobalMaxPool(output string, x Value) Value {
	return g.AddNode("GlobalMaxPool", output, []Value{x})
}

// Concat joins arrays along axis.
func (g *Graph) Concat(output string, axis int, xs ...Value) Value {
	return g.AddNode("Concat", output, xs, AttrInt("axis", axis))
}

// Flatten gives [N, rest], all dimensions after the first in one.
func (g *Graph) Flatten(output string, x Value) Value {
	return g.AddNode("Flatten", output, []Value{x}, AttrInt("axis", 1))
}

// Linear is x times the transpose of weight [out, in], plus bias [out] unless
// that is empty: PyTorch's layer, as ONNX's Gemm. x is [N, in].
func (g *Graph) Linear(output string, x, weight, bias Value) Value {
	inputs := []Value{x, weight}
	if bias != "" {
		inputs = append(inputs, bias)
	}
	return g.AddNode("Gemm", output, inputs, AttrInt("transB", 1))
}

// MatMul is the matrix product of x [N, in] and w [in, out], or of the matrices in
// the last two dimensions of each.
func (g *Graph) MatMul(output string, x, w Value) Value {
	return g.AddNode("MatMul", output, []Value{x, w})
}

// Add is a + b, broadcast as in NumPy; so are Sub, Mul and Div.
func (g *Graph) Add(output string, a, b Value) Value {
	return g.AddNode("Add", output, []Value{a, b})
}

// Sub is a - b.
func (g *Graph) Sub(output string, a, b Value) Value {
	return g.AddNode("Sub", output, []Value{a, b})
}

// Mul is a * b.
func (g *Graph) Mul(output string, a, b Value) Value {
	return g.AddNode("Mul", output, []Value{a, b})
}

// Div is a / b.
func (g *Graph) Div(output string, a, b Value) Value {
	return g.AddNode("Div", output, []Value{a, b})
}

// Sqrt is the square root of x.
func (g *Graph) Sqrt(output string, x Value) Value {
	return g.AddNode("Sqrt", output, []Value{x})
}

// ReduceMean is the mean along axes, which stay with a size of 1; -1 is the last.
func (g *Graph) ReduceMean(output string, x Value, axes ...int) Value {
	return g.AddNode("ReduceMean", output, []Value{x}, AttrInts("axes", axes...), AttrInt("keepdims", 1))
}

// Reshape gives x the dimensions shape: 0 leaves the one in its place, -1, at most
// once, is what is left over.
func (g *Graph) Reshape(output string, x Value, shape ...int) Value {
	dims := make([]int64, len(shape))
	for i, s := range shape {
		dims[i] = int64(s)
	}
	to := g.Initializer(&weights.Array{Name: output + "_shape", Shape: []int{len(dims)}, DType: weights.I64, I64: dims})
	return g.AddNode("Reshape", output, []Value{x, to})
}

// Slice is the part [from,to) of x along axis.
func (g *Graph) Slice(output string, x Value, axis, from, to int) Value {
	inputs := []Value{x}
	for _, v := range []struct {
		what string
		n    int
	}{{"from", from}, {"to", to}, {"axis", axis}} {
		inputs = append(inputs, g.Initializer(&weights.Array{Name: output + "_" + v.what, Shape: []int{1}, DType: weights.I64, I64: []int64{int64(v.n)}}))
	}
	return g.AddNode("Slice", output, inputs)
}

// Softmax turns scores into probabilities along axis; -1 is the last.
func (g *Graph) Softmax(output string, x Value, axis int) Value {
	return g.AddNode("Softmax", output, []Value{x}, AttrInt("axis", axis))
}

// TopK has the k highest values of each row of x [N,M], in order, and where in the row they are, of equal ones the first: both [N,k].
func (g *Graph) TopK(values, indices string, x Value, k int) (Value, Value) {
	count := g.Initializer(&weights.Array{Name: values + "_k", Shape: []int{1}, DType: weights.I64, I64: []int64{int64(k)}})
	g.AddNode("TopK", values, []Value{x, count}, AttrInt("axis", 1))
	g.define(Value(indices))
	last := &g.nodes[len(g.nodes)-1]
	last.outputs = append(last.outputs, Value(indices))
	return Value(values), Value(indices)
}

// Transpose reorders the dimensions: output dimension i is x's order[i].
// (0, 3, 1, 2) makes [N, C, H, W] of [N, H, W, C].
func (g *Graph) Transpose(output string, x Value, order ...int) Value {
	return g.AddNode("Transpose", output, []Value{x}, AttrInts("perm", order...))
}

// Cast converts x to another element type.
func (g *Graph) Cast(output string, x Value, to weights.DType) Value {
	return g.AddNode("Cast", output, []Value{x}, AttrInt("to", int(elementType(to))))
}

// Identity gives x another name.
func (g *Graph) Identity(output string, x Value) Value {
	return g.AddNode("Identity", output, []Value{x})
}
