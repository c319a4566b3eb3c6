// Smallnet writes files for other programs to check: a small network that uses
// every operator of package onnx, as smallnet.onnx, its parameters and
// input as smallnet.safetensors, and, given a PyTorch checkpoint, the same
// arrays as converted.safetensors. See ../README.md.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: smallnet FOLDER [CHECKPOINT.pth]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string, checkpoints []string) error {
	params := parameters()
	if err := graph(params).Save(filepath.Join(folder, "smallnet.onnx")); err != nil {
		return err
	}
	file := &weights.File{Arrays: params, Metadata: map[string]string{"format": "pt", "made by": "smallnet <é>"}}
	if err := weights.Save(filepath.Join(folder, "smallnet.safetensors"), file); err != nil {
		return err
	}
	for _, path := range checkpoints {
		f, err := weights.Load(path)
		if err != nil {
			return err
		}
		f.Metadata = map[string]string{"format": "pt"}
		if err := weights.Save(filepath.Join(folder, "converted.safetensors"), f); err != nil {
			return err
		}
	}
	return nil
}

// parameters draws all arrays, and the input, uniformly from [-1,1); variances
// from [0.5,1.5).
func parameters() []weights.Array {
	s := rng.New(1)
	uniform := func(name string, low float64, shape ...int) weights.Array {
		n := 1
		for _, d := range shape {
			n *= d
		}
		a := weights.Array{Name: name, Shape: shape, F32: make([]float32, n)}
		for i := range a.F32 {
			a.F32[i] = float32(s.Uniform(low, low+2))
		}
		return a
	}
	variance := uniform("bn.running_var", -1, 8)
	for i, v := range variance.F32 {
		variance.F32[i] = 1 + v/2
	}
	// Small, so that no probability is near 0 or 1 and hides differences.
	mix := uniform("mix", -1, 6, 5)
	for i := range mix.F32 {
		mix.F32[i] /= 64
	}
	pixels := weights.Array{Name: "input", Shape: []int{3, 17, 15, 3}, DType: weights.U8, U8: make([]uint8, 3*17*15*3)}
	for i := range pixels.U8 {
		pixels.U8[i] = uint8(s.IntN(256))
	}
	return []weights.Array{
		pixels,
		uniform("conv.weight", -1, 8, 3, 3, 3),
		uniform("conv.bias", -1, 8),
		uniform("bn.weight", -1, 8),
		uniform("bn.bias", -1, 8),
		uniform("bn.running_mean", -1, 8),
		variance,
		{Name: "bn.num_batches_tracked", DType: weights.I64, I64: []int64{1 << 40}},
		uniform("expand1.weight", -1, 8, 8, 1, 1),
		uniform("expand3.weight", -1, 8, 4, 3, 3),
		uniform("fc.weight", -1, 6, 32),
		uniform("fc.bias", -1, 6),
		mix,
		uniform("mean", -1, 1, 3, 1, 1),
		{Name: "scale", Shape: []int{1, 1, 1}, F32: []float32{255}},
	}
}

// graph builds the network; torch_smallnet.py computes the same.
func graph(params []weights.Array) *onnx.Graph {
	g := onnx.New("smallnet")
	p := map[string]onnx.Value{}
	for i := range params {
		if a := &params[i]; a.Name != "input" && a.DType == weights.F32 {
			p[a.Name] = g.Initializer(a)
		}
	}
	v := g.Input("input", weights.U8, []onnx.Dim{{Name: "N"}, {Size: 17}, {Size: 15}, {Size: 3}})
	v = g.Cast("floats", v, weights.F32)
	v = g.Transpose("nchw", v, 0, 3, 1, 2)
	v = g.Sub("centered", g.Div("unit", v, p["scale"]), p["mean"])
	v = g.Conv("conv", v, p["conv.weight"], p["conv.bias"], onnx.Window{Size: 3, Stride: 2, Pad: 1}, 1)
	v = g.BatchNorm("bn", v, p["bn.weight"], p["bn.bias"], p["bn.running_mean"], p["bn.running_var"], 1e-5)
	v = g.Relu("relu", v)
	small := g.MaxPool("pool", v, onnx.Window{Size: 3, Stride: 2}, true)
	one := g.Conv("expand1", small, p["expand1.weight"], "", onnx.Window{Size: 1}, 1)
	three := g.Conv("expand3", small, p["expand3.weight"], "", onnx.Window{Size: 3, Pad: 1}, 2)
	sum := g.Add("sum", one, three)
	v = g.Concat("both", 1, sum, g.Mul("product", one, three))
	v = g.AveragePool("smooth", v, onnx.Window{Size: 3, Stride: 1, Pad: 1})
	v = g.Concat("pooled", 1, g.GlobalMaxPool("max", v), g.GlobalAveragePool("mean pool", v))
	v = g.Flatten("flat", v)
	v = g.Linear("fc", v, p["fc.weight"], p["fc.bias"])
	v = g.MatMul("mixed", v, p["mix"])
	v = g.Identity("scores", g.Softmax("softmax", v, -1))
	g.Output(v, weights.F32, onnx.DynamicBatch(5))
	g.Metadata("labels", "a,b,c,d,e")
	return g
}
