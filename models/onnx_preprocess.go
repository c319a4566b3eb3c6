package models

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/weights"
)

// preprocess turns whole pictures [N,H,W,3], 8-bit RGB of one size, into the
// network's input [N,3,S,S], as package vision prepares them for validation: the
// middle square is cut out (or the whole stretched) and scaled to the first size
// with Pillow's filter, then averaged and sampled to S, which is one matrix for
// rows and one for columns, and normalized. With a crop share the first size is
// already S, out of the middle of the scaled picture.
func (w *onnxWalk) preprocess(pixels onnx.Value, p preprocess.Config) (onnx.Value, error) {
	switch {
	case p.Presize == 0 && p.CropPct == 0:
		return "", errors.New("models: the model's preprocessing has no first resizing (presize 0, no crop_pct), so that its steps depend on each picture's size; ONNXOptions.Preprocess needs one: prepare pictures outside and use ONNXOptions.Pixels")
	case p.Method == preprocess.Pad:
		return "", errors.New("models: the model's preprocessing pads pictures, which this export cannot put into a graph for every size: prepare pictures outside and use ONNXOptions.Pixels")
	}
	if err := p.Check(); err != nil {
		return "", fmt.Errorf("models: the model's preprocessing: %w", err)
	}
	x := pixels
	shape := w.g.AddNode("Shape", "picture_shape", []onnx.Value{x})
	h := w.g.AddNode("Gather", "picture_h", []onnx.Value{shape, w.integers("one", 1)})
	wide := w.g.AddNode("Gather", "picture_w", []onnx.Value{shape, w.integers("two", 2)})
	var down, across onnx.Value // the matrices of the first resizing, [P,H] and [P,W]
	first := p.Presize          // P
	switch {
	case p.CropPct > 0:
		first = p.Size
		down, across = w.scaledMiddle(h, wide, p)
	case p.Method == preprocess.Squish:
		down, across = w.filter("down", h, w.whole("down", first), p.Interpolation), w.filter("across", wide, w.whole("across", first), p.Interpolation)
	default:
		var side onnx.Value
		x, side = w.centerSquare(x, h, wide, first)
		down = w.filter("filter", side, w.whole("filter", first), p.Interpolation)
		across = down
	}
	x = w.g.Cast("planes_double", w.g.Transpose("planes", x, 0, 3, 1, 2), weights.F64)
	x = w.bytes("presized_rows", w.g.MatMul("presized_rows_exact", x, w.g.Transpose("across_columns", across, 1, 0)))
	x = w.bytes("presized", w.g.MatMul("presized_exact", down, w.g.Cast("presized_rows_double", x, weights.F64)))
	x = w.g.Cast("presized_float", x, weights.F32)
	if p.Size != first {
		var t pixel.Taps
		pooled := first
		if f := pixel.PoolFactor(first, first, p.Size, p.Size, 1); f > 1 {
			pooled = pixel.PooledSize(first, f)
		}
		t.Set(first, pooled, p.Size)
		m := t.Matrix(first)
		back := make([]float32, len(m))
		for i := range p.Size {
			for j := range first {
				back[j*p.Size+i] = m[i*first+j]
			}
		}
		rows := w.g.Initializer(&weights.Array{Name: "size_rows", Shape: []int{p.Size, first}, F32: m})
		columns := w.g.Initializer(&weights.Array{Name: "size_columns", Shape: []int{first, p.Size}, F32: back})
		x = w.g.MatMul("sized", w.g.MatMul("sized_rows", rows, x), columns)
	}
	mean, std := levels(p.Stats)
	x = w.g.Sub("pixels_centered", x, w.g.Initializer(&weights.Array{Name: "mean_255", Shape: []int{3, 1, 1}, F32: mean}))
	return w.g.Div("input", x, w.g.Initializer(&weights.Array{Name: "std_255", Shape: []int{3, 1, 1}, F32: std})), nil
}

// centerSquare cuts the largest square out of the middle of x, [N,H,W,3], and
// returns its side too: int(m·size) pixels, m being the short side over size in
// float64, which is fastai's arithmetic and at times a pixel less than the short
// side.
func (w *onnxWalk) centerSquare(x, h, wide onnx.Value, size int) (square, side onnx.Value) {
	g := w.g
	short := g.Cast("short", g.AddNode("Min", "short_side", []onnx.Value{h, wide}), weights.F64)
	to := w.doubles("presize", []int{1}, float64(size))
	side = g.Cast("side_whole", g.Mul("side_float", g.Div("ratio", short, to), to), weights.I64)
	side = g.AddNode("Max", "side", []onnx.Value{side, "one"})
	begin := g.Div("begin", g.Sub("rest", g.Concat("sides", 0, h, wide), side), "two")
	return g.AddNode("Slice", "square", []onnx.Value{x, begin, g.Add("end", begin, side), w.integers("axes", 1, 2)}), side
}

// scaledMiddle computes the matrices [S,H] and [S,W] that scale a picture until
// its short side (Squish: each side) has floor(S/CropPct) pixels and keep the
// middle S×S of it. The long side is cut off to whole pixels, and half of what is
// left over is rounded to even, as in torchvision.
func (w *onnxWalk) scaledMiddle(h, wide onnx.Value, p preprocess.Config) (down, across onnx.Value) {
	g := w.g
	to := w.doubles("scale_to", []int{1}, float64(p.Short()))
	short := g.Cast("short", g.AddNode("Min", "short_side", []onnx.Value{h, wide}), weights.F64)
	size, two := w.doubles("size", []int{1}, float64(p.Size)), w.doubles("halves", []int{1}, 2)
	matrix := func(name string, n onnx.Value) onnx.Value {
		scaled := to
		if p.Method != preprocess.Squish {
			scaled = g.Div(name+"_ratio", g.Mul(name+"_by_scale", g.Cast(name+"_double", n, weights.F64), to), short)
			scaled = g.AddNode("Floor", name+"_scaled", []onnx.Value{scaled})
		}
		begin := g.AddNode("Round", name+"_begin", []onnx.Value{g.Div(name+"_half_rest", g.Sub(name+"_rest", scaled, size), two)})
		return w.filter(name, n, outputs{of: scaled, from: begin, count: p.Size}, p.Interpolation)
	}
	return matrix("down", h), matrix("across", wide)
}

// outputs says which samples a filter makes: count of them, from number from on,
// out of the samples that a side is scaled to. Both values are float64 [1].
type outputs struct {
	of, from onnx.Value
	count    int
}

// whole is all of n outputs.
func (w *onnxWalk) whole(name string, n int) outputs {
	return outputs{of: w.doubles(name+"_out", []int{1}, float64(n)), count: n}
}

// filter computes the matrix [out.count, n] by which a filter of Pillow's takes n
// samples, an int64 [1], to others: weights around the outputs' centers, as wide
// as the inputs that an output stands for, each of sum 1 and rounded to 22 bits.
func (w *onnxWalk) filter(name string, n onnx.Value, out outputs, by preprocess.Interpolation) onnx.Value {
	g := w.g
	v := func(part string) string { return name + "_" + part }
	centers := make([]float64, out.count)
	for i := range centers {
		centers[i] = float64(i) + 0.5
	}
	one, half := w.doubles(v("one"), []int{1}, 1), w.doubles(v("half"), []int{1}, 0.5)
	scale := g.Div(v("scale"), g.Cast(v("n"), n, weights.F64), out.of)
	width := g.AddNode("Max", v("width"), []onnx.Value{scale, one})
	center := w.doubles(v("outputs"), []int{out.count, 1}, centers...)
	if out.from != "" {
		center = g.Add(v("of_the_middle"), center, out.from)
	}
	center = g.Mul(v("center"), center, scale)
	scalar := func(part string, x int64) onnx.Value { // Range takes no lists
		return g.Initializer(&weights.Array{Name: v(part), Shape: []int{}, DType: weights.I64, I64: []int64{x}})
	}
	count := g.AddNode("ReduceMax", v("count"), []onnx.Value{n}, onnx.AttrInt("keepdims", 0))
	inputs := g.AddNode("Range", v("range"), []onnx.Value{scalar("from", 0), count, scalar("step", 1)})
	inputs = g.Add(v("inputs"), g.Cast(v("range_double"), inputs, weights.F64), half)
	// Times the reciprocal, as Pillow: a quotient would round differently.
	inverse := g.Div(v("inverse"), one, width)
	distance := g.AddNode("Abs", v("distance"), []onnx.Value{g.Mul(v("offset"), g.Sub(v("from_center"), inputs, center), inverse)})
	shape := w.triangle
	if by == preprocess.Bicubic {
		shape = w.cubic
	}
	weight := shape(v, distance)
	sum := g.AddNode("ReduceSum", v("sum"), []onnx.Value{weight, w.integers(v("axis"), 1)})
	const unit = 1 << 22
	weight = g.Mul(v("in_units"), g.Div(v("weight"), weight, sum), w.doubles(v("unit"), []int{1}, unit))
	away := g.Mul(v("half_away"), g.AddNode("Sign", v("sign"), []onnx.Value{weight}), half)
	weight = g.Cast(v("rounded"), g.Add(v("to_round"), weight, away), weights.I64) // cut off
	return g.Div(name, g.Cast(v("rounded_double"), weight, weights.F64), onnx.Value(v("unit")))
}

// triangle is the bilinear filter at distances from 0 on.
func (w *onnxWalk) triangle(v func(part string) string, distance onnx.Value) onnx.Value {
	slope := w.g.Sub(v("slope"), onnx.Value(v("one")), distance)
	return w.g.AddNode("Max", v("triangle"), []onnx.Value{slope, w.doubles(v("none"), []int{1}, 0)})
}

// cubic is the bicubic filter at distances from 0 on: one polynomial up to 1,
// another up to 2, then 0.
func (w *onnxWalk) cubic(v func(part string) string, x onnx.Value) onnx.Value {
	g := w.g
	number := func(part string, k float64) onnx.Value { return w.doubles(v(part), []int{1}, k) }
	less := func(part string, than onnx.Value) onnx.Value {
		return g.AddNode("Less", v(part), []onnx.Value{x, than})
	}
	two := number("two", 2)
	near := g.Sub(v("near_slope"), g.Mul(v("near_x"), number("near_3", 1.5), x), number("near_2", 2.5))
	near = g.Add(v("near"), g.Mul(v("near_xx"), g.Mul(v("near_times_x"), near, x), x), onnx.Value(v("one")))
	far := g.Add(v("far_slope"), g.Mul(v("far_x"), g.Sub(v("far_less"), x, number("far_2", 5)), x), number("far_1", 8))
	far = g.Mul(v("far"), g.Sub(v("far_xx"), g.Mul(v("far_times_x"), far, x), number("far_0", 4)), number("a", -0.5))
	far = g.AddNode("Where", v("far_or_none"), []onnx.Value{less("within", two), far, number("none", 0)})
	return g.AddNode("Where", v("cubic"), []onnx.Value{less("close", onnx.Value(v("one"))), near, far})
}

// bytes rounds samples to 8 bits, halves up, and holds them to 0–255, as Pillow
// does between its passes and after them. They are in float64 because a sample
// times a weight has 30 bits, and sums are often close to a half.
func (w *onnxWalk) bytes(name string, x onnx.Value) onnx.Value {
	x = w.g.Add(name+"_to_cut", x, w.doubles(name+"_half", []int{1}, 0.5))
	held := w.g.AddNode("Clip", name+"_held", []onnx.Value{x, w.doubles(name+"_black", []int{}, 0), w.doubles(name+"_white", []int{}, 255)})
	return w.g.Cast(name, held, weights.U8)
}

// integers adds a constant list of int64.
func (w *onnxWalk) integers(name string, v ...int) onnx.Value {
	a := &weights.Array{Name: name, Shape: []int{len(v)}, DType: weights.I64}
	for _, x := range v {
		a.I64 = append(a.I64, int64(x))
	}
	return w.g.Initializer(a)
}

// doubles adds constants of float64.
func (w *onnxWalk) doubles(name string, shape []int, v ...float64) onnx.Value {
	return w.g.Initializer(&weights.Array{Name: name, Shape: shape, DType: weights.F64, F64: v})
}

// levels returns mean and standard deviation of RGB in 0–255.
func levels(s preprocess.Stats) (mean, std []float32) {
	for c := range 3 {
		mean, std = append(mean, s.Mean[c]*255), append(std, s.Std[c]*255)
	}
	return mean, std
}
