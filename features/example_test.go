package features_test

import (
	"context"
	"fmt"
	"log"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// Heads on the features of eight pictures, judged on four folds of them.
func ExampleCrossValidate() {
	ctx := context.Background()
	x := tensor.FromSlice([]float32{0, 1, 1, 0, 0, 0, 1, 1, 3, 4, 4, 3, 3, 3, 4, 4}, 8, 2)
	y := target.Classes([]int{0, 0, 0, 0, 1, 1, 1, 1})
	train := [][]int{{1, 2, 3, 5, 6, 7}, {0, 2, 3, 4, 6, 7}, {0, 1, 3, 4, 5, 7}, {0, 1, 2, 4, 5, 6}}
	valid := [][]int{{0, 4}, {1, 5}, {2, 6}, {3, 7}}
	linear := func(ctx context.Context, x *tensor.Tensor, y target.Targets, classes int) (features.Scorer, error) {
		return features.FitLinear(ctx, x, y, classes, features.LinearOptions{WeightDecay: 0.01})
	}
	of, err := features.CrossValidate(ctx, x, y, 2, train, valid, linear)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("error rates %v\n", of.Errors)

	head, err := linear(ctx, x, y, 2)
	if err != nil {
		log.Fatal(err)
	}
	scores, err := head.Scores(tensor.FromSlice([]float32{3.5, 2}, 1, 2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("class 1:", scores.Data[1] > scores.Data[0])
	// Output:
	// error rates [0 0 0 0]
	// class 1: true
}
