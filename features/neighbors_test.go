package features_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/features"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// TestNeighbors compares with scikit-learn's KNeighborsClassifier (testdata/neighbors.py): what is chosen, and the
// probabilities, by the head itself and by the layers that hold it, which have room for more pictures.
func TestNeighbors(t *testing.T) {
	var f struct {
		Cases []struct {
			Name               string
			Classes            int
			Features, Pictures [][]float32
			Class              []int
			Loss, Spread       float64
			Neighbors          int
			Probabilities      [][]float64
		}
	}
	b, err := os.ReadFile("testdata/neighbors.json")
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil || len(f.Cases) != 3 {
		t.Fatalf("%d cases, %v", len(f.Cases), err)
	}
	for _, c := range f.Cases {
		x := rows(c.Features)
		h, err := features.FitNeighbors(context.Background(), x, target.Classes(c.Class), c.Classes)
		if err != nil {
			t.Fatal(err)
		}
		if h.Neighbors != c.Neighbors || math.Abs(h.Spread/c.Spread-1) > 1e-5 || math.Abs(h.Loss-c.Loss) > 1e-5 {
			t.Errorf("%s: %d neighbors with the spread %v and loss %v, scikit-learn has %d, %v, %v", c.Name, h.Neighbors, h.Spread, h.Loss, c.Neighbors, c.Spread, c.Loss)
		}
		width := x.Shape[1]
		head := models.NewHead(width, c.Classes, nil, models.HeadNeighbors(len(c.Class)+3))
		near, vote := (&models.Classifier{Head: head}).NeighborsHead()
		h.Put(near.Weight.Value.Data, near.Bias.Value.Data, vote.Class)
		vote.Neighbors[0] = float32(h.Neighbors)
		if err := vote.Check(); err != nil {
			t.Error(err)
		}
		q := rows(c.Pictures)
		byHead, err := h.Scores(q)
		if err != nil {
			t.Fatal(err)
		}
		byLayers, err := nn.Compile(head).Run(tensor.FromSlice(q.Data, q.Shape[0], 1, 1, width))
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range c.Probabilities {
			for k, want := range row {
				for _, scores := range []*tensor.Tensor{byHead, byLayers} {
					if got := math.Exp(float64(scores.Data[i*c.Classes+k])); math.Abs(got-want) > 2e-5 {
						t.Errorf("%s: picture %d has class %d by %v, scikit-learn has %v", c.Name, i, k, got, want)
					}
				}
			}
		}
	}
}

func TestNeighborsRefuses(t *testing.T) {
	x := rows([][]float32{{0, 1}, {1, 0}, {2, 2}})
	for want, y := range map[string]target.Targets{
		"targets of 2 pictures":          target.Classes([]int{0, 1}),
		"picture 2 has the class 2 of 2": target.Classes([]int{0, 1, 2}),
		"these may have several labels":  {Values: rows([][]float32{{0, 1}, {1, 0}, {1, 1}})},
	} {
		if _, err := features.FitNeighbors(context.Background(), x, y, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := features.FitNeighbors(ctx, x, target.Classes([]int{0, 1, 1}), 2); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
}
