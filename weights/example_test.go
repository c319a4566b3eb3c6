package weights_test

import (
	"bytes"
	_ "embed"
	"fmt"
	"log"

	"github.com/whippet-ml/whippet/weights"
)

//go:embed testdata/plain_zip.pth
var embedded []byte

// A model inside the program is read without a file.
func ExampleRead() {
	f, err := weights.Read(bytes.NewReader(embedded), int64(len(embedded)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Format)
	for _, a := range f.Arrays {
		fmt.Println(a.Name, a.DType, a.Shape)
	}
	// Output:
	// PyTorch zip
	// conv.weight F32 [2 3 1 2]
	// bn.running_var F32 [2]
	// bn.num_batches_tracked I64 []
	// empty F32 [0 4]
}

func ExampleMatch() {
	f := &weights.File{Arrays: []weights.Array{
		{Name: "fc.weight", Shape: []int{1000, 512}},
		{Name: "fc.bias", Shape: []int{1000}},
	}}
	fmt.Println(weights.Match([]weights.Spec{
		{Name: "conv1.weight", Shape: []int{64, 3, 7, 7}},
		{Name: "fc.weight", Shape: []int{37, 512}},
	}, f))
	// Output:
	// weights: the file does not fit the network; 1 missing: "conv1.weight"; 1 unexpected: "fc.bias"; 1 of another shape: "fc.weight" is [1000 512] in the file and [37 512] in the network
}
