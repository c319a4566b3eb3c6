package onnx_test

import (
	"bytes"
	"fmt"

	"github.com/whippet-ml/whippet/onnx"
	"github.com/whippet-ml/whippet/weights"
)

// A graph of three nodes, for pictures of any batch size.
func Example() {
	g := onnx.New("linear")
	x := g.Input("image", weights.F32, onnx.DynamicBatch(1, 2, 2))
	w := g.Initializer(&weights.Array{Name: "fc.weight", Shape: []int{3, 4}, F32: make([]float32, 12)})
	v := g.Linear("fc", g.Flatten("flat", x), w, "")
	g.Output(g.Softmax("scores", v, -1), weights.F32, onnx.DynamicBatch(3))
	var b bytes.Buffer
	fmt.Println(g.Write(&b), b.Len() > 0)
	// Output:
	// <nil> true
}
