package models

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn/graph"
	"github.com/whippet-ml/whippet/nn/op"
)

// drops returns the probabilities of the stochastic depth in a network's graph.
func drops(c *Classifier) (ps []float64) {
	g := graph.New()
	g.Output = c.Body.Build(g, graph.Input)
	for _, n := range g.Nodes {
		if d, ok := n.Op.(op.Dropout); ok && d.Pictures {
			ps = append(ps, d.P)
		}
	}
	return ps
}

func TestStochasticDepthIsTimms(t *testing.T) {
	raw, err := os.ReadFile("testdata/depth.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, ps := range want {
		arch, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &Classifier{Arch: arch, Body: arch.Units()} // the values of weights do not matter
		if err := c.SetStochasticDepth(0.2); err != nil {
			t.Fatal(err)
		}
		got := drops(c)
		if !slices.EqualFunc(got, ps, func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }) {
			t.Errorf("%s: probabilities %.4f, timm's are %.4f", name, got, ps)
		}
		if err := c.SetStochasticDepth(0); err != nil || len(drops(c)) > 0 {
			t.Errorf("%s with rate 0: %v, %v", name, drops(c), err)
		}
	}
}

func TestStochasticDepthThatCannotBe(t *testing.T) {
	c := &Classifier{Arch: SqueezeNet1_1, Body: SqueezeNet1_1.Units()}
	if err := c.SetStochasticDepth(0.1); err == nil || !strings.Contains(err.Error(), "squeezenet1_1 has no residual blocks") {
		t.Errorf("a network without blocks: %v", err)
	}
	for _, rate := range []float64{-0.1, 1, math.NaN()} {
		if err := (&Classifier{Arch: ResNet18, Body: ResNet18.Units()}).SetStochasticDepth(rate); err == nil {
			t.Errorf("a rate of %v was taken", rate)
		}
	}
}
