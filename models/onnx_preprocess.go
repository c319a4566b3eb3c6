package models

import (
	"errors"
	"fmt"

	"github.com/whippet-ml/whippet/internal/kernel/pixel"
	"github.com/whippet-ml/whippet/vision"
	"github.com/whippet-ml/whippet/weights"
)

// preprocess turns whole pictures [N,H,W,3], 8-bit RGB of one size, into the
// network's input [N,3,S,S], as package vision prepares them for validation: the
// middle square is cut out (or the whole stretched) and scaled to the first size
// with Pillow's filter, then averaged and sampled to S, which is one matrix for
// rows and one for columns, and normalized.
func (w *onnxWalk) preprocess(pixels weights.Value, p vision.Preprocess) (weights.Value, error) {
	switch {
	case p.Presize == 0:
		return "", errors.New("models: the model's preprocessing has no first resizing (presize 0), so that its steps depend on each picture's size; ONNXOptions.Preprocess needs one: prepare pictures outside and use ONNXOptions.Pixels")
	case p.Method == vision.Pad:
		return "", errors.New("models: the model's preprocessing pads by reflection, for which ONNX has no operator at every size: prepare pictures outside and use ONNXOptions.Pixels")
	}
	if err := p.Check(); err != nil {
		return "", fmt.Errorf("models: the model's preprocessing: %w", err)
	}
	x := pixels
	shape := w.g.AddNode("Shape", "picture_shape", []weights.Value{x})
	h := w.g.AddNode("Gather", "picture_h", []weights.Value{shape, w.integers("one", 1)})
	wide := w.g.AddNode("Gather", "picture_w", []weights.Value{shape, w.integers("two", 2)})
	var down, across weights.Value // the matrices of the first resizing, [P,H] and [P,W]
	if p.Method == vision.Squish {
		down, across = w.filter("down", h, p.Presize), w.filter("across", wide, p.Presize)
	} else {
		var side weights.Value
		x, side = w.centerSquare(x, h, wide, p.Presize)
		down = w.filter("filter", side, p.Presize)
		across = down
	}
	x = w.g.Cast("planes_double", w.g.Transpose("planes", x, 0, 3, 1, 2), weights.F64)
	x = w.bytes("presized_rows", w.g.MatMul("presized_rows_exact", x, w.g.Transpose("across_columns", across, 1, 0)))
	x = w.bytes("presized", w.g.MatMul("presized_exact", down, w.g.Cast("presized_rows_double", x, weights.F64)))
	x = w.g.Cast("presized_float", x, weights.F32)
	if p.Size != p.Presize {
		var t pixel.Taps
		pooled := p.Presize
		if f := pixel.PoolFactor(p.Presize, p.Presize, p.Size, p.Size, 1); f > 1 {
			pooled = pixel.PooledSize(p.Presize, f)
		}
		t.Set(p.Presize, pooled, p.Size)
		m := t.Matrix(p.Presize)
		back := make([]float32, len(m))
		for i := range p.Size {
			for j := range p.Presize {
				back[j*p.Size+i] = m[i*p.Presize+j]
			}
		}
		rows := w.g.Initializer(&weights.Array{Name: "size_rows", Shape: []int{p.Size, p.Presize}, F32: m})
		columns := w.g.Initializer(&weights.Array{Name: "size_columns", Shape: []int{p.Presize, p.Size}, F32: back})
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
func (w *onnxWalk) centerSquare(x, h, wide weights.Value, size int) (square, side weights.Value) {
	g := w.g
	short := g.Cast("short", g.AddNode("Min", "short_side", []weights.Value{h, wide}), weights.F64)
	to := w.doubles("presize", []int{1}, float64(size))
	side = g.Cast("side_whole", g.Mul("side_float", g.Div("ratio", short, to), to), weights.I64)
	side = g.AddNode("Max", "side", []weights.Value{side, "one"})
	begin := g.Div("begin", g.Sub("rest", g.Concat("sides", 0, h, wide), side), "two")
	return g.AddNode("Slice", "square", []weights.Value{x, begin, g.Add("end", begin, side), w.integers("axes", 1, 2)}), side
}

// filter computes the matrix [out, n] by which Pillow's antialiased bilinear
// filter takes n samples, an int64 [1], to out: triangles around the outputs'
// centers, as wide as the inputs that an output stands for, each of sum 1 and
// with weights rounded to 22 bits.
func (w *onnxWalk) filter(name string, n weights.Value, out int) weights.Value {
	g := w.g
	v := func(part string) string { return name + "_" + part }
	centers := make([]float64, out)
	for i := range centers {
		centers[i] = float64(i) + 0.5
	}
	one, half := w.doubles(v("one"), []int{1}, 1), w.doubles(v("half"), []int{1}, 0.5)
	scale := g.Div(v("scale"), g.Cast(v("n"), n, weights.F64), w.doubles(v("out"), []int{1}, float64(out)))
	width := g.AddNode("Max", v("width"), []weights.Value{scale, one})
	center := g.Mul(v("center"), w.doubles(v("outputs"), []int{out, 1}, centers...), scale)
	scalar := func(part string, x int64) weights.Value { // Range takes no lists
		return g.Initializer(&weights.Array{Name: v(part), Shape: []int{}, DType: weights.I64, I64: []int64{x}})
	}
	count := g.AddNode("ReduceMax", v("count"), []weights.Value{n}, weights.AttrInt("keepdims", 0))
	inputs := g.AddNode("Range", v("range"), []weights.Value{scalar("from", 0), count, scalar("step", 1)})
	inputs = g.Add(v("inputs"), g.Cast(v("range_double"), inputs, weights.F64), half)
	distance := g.AddNode("Abs", v("distance"), []weights.Value{g.Div(v("offset"), g.Sub(v("from_center"), inputs, center), width)})
	weight := g.AddNode("Max", v("triangle"), []weights.Value{g.Sub(v("slope"), one, distance), w.doubles(v("none"), []int{1}, 0)})
	sum := g.AddNode("ReduceSum", v("sum"), []weights.Value{weight, w.integers(v("axis"), 1)})
	const unit = 1 << 22
	weight = g.Mul(v("in_units"), g.Div(v("weight"), weight, sum), w.doubles(v("unit"), []int{1}, unit))
	weight = g.Cast(v("rounded"), g.Add(v("to_round"), weight, half), weights.I64) // cut off
	return g.Div(name, g.Cast(v("rounded_double"), weight, weights.F64), weights.Value(v("unit")))
}

// bytes rounds samples to 8 bits, halves up, as Pillow does between its passes and
// after them. They are in float64 because a sample times a weight has 30 bits, and
// sums are often close to a half.
func (w *onnxWalk) bytes(name string, x weights.Value) weights.Value {
	return w.g.Cast(name, w.g.Add(name+"_to_cut", x, w.doubles(name+"_half", []int{1}, 0.5)), weights.U8)
}

// integers adds a constant list of int64.
func (w *onnxWalk) integers(name string, v ...int) weights.Value {
	a := &weights.Array{Name: name, Shape: []int{len(v)}, DType: weights.I64}
	for _, x := range v {
		a.I64 = append(a.I64, int64(x))
	}
	return w.g.Initializer(a)
}

// doubles adds constants of float64.
func (w *onnxWalk) doubles(name string, shape []int, v ...float64) weights.Value {
	return w.g.Initializer(&weights.Array{Name: name, Shape: shape, DType: weights.F64, F64: v})
}

// levels returns mean and standard deviation of RGB in 0–255.
func levels(s vision.Stats) (mean, std []float32) {
	for c := range 3 {
		mean, std = append(mean, s.Mean[c]*255), append(std, s.Std[c]*255)
	}
	return mean, std
}
