package models

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestGrow checks that a grown classifier answers as before for the classes that it had, under
// either kind of head, and that the others have rows of their own.
func TestGrow(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(a *Architecture) *Classifier
	}{
		{"resnet10_small", func(a *Architecture) *Classifier { return NewClassifier(a, 3, rng.New(1), HeadWidth(40)) }},
		{"resnet10_small", func(a *Architecture) *Classifier { return NewOwnHead(a, 3, rng.New(1)) }},
		{"squeezenet1_1", func(a *Architecture) *Classifier { return NewOwnHead(a, 3, rng.New(1)) }}, // whose last layer is a convolution
	} {
		a, err := ByName(c.name)
		if err != nil {
			t.Fatal(err)
		}
		was := c.make(a)
		info := Info{Vocab: []string{"cat", "dog", "fox"}, Preprocess: preprocess.Config{Size: 64}}
		vocab := []string{"ant", "cat", "cow", "dog", "fox"}
		now, err := Grow(was, info, vocab, rng.New(2))
		if err != nil {
			t.Fatal(err)
		}
		if now.Classes != 5 || now.OwnHead != was.OwnHead {
			t.Fatalf("%s: %d classes, own head %v", c.name, now.Classes, now.OwnHead)
		}
		x := tensor.New(2, 64, 64, 3)
		for i := range x.Data {
			x.Data[i] = float32(i*7919%256)/128 - 1
		}
		before, err := nn.Compile(was).Run(x)
		if err != nil {
			t.Fatal(err)
		}
		old := append([]float32(nil), before.Data...)
		after, err := nn.Compile(now).Run(x)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			for k, at := range []int{1, 3, 4} {
				if d := math.Abs(float64(old[i*3+k] - after.Data[i*5+at])); d > 1e-5 {
					t.Errorf("%s: the score of %s was %v and is %v", c.name, info.Vocab[k], old[i*3+k], after.Data[i*5+at])
				}
			}
			if after.Data[i*5] == after.Data[i*5+2] {
				t.Errorf("%s: two new classes have the same score", c.name)
			}
		}
	}
}

func TestGrowRefuses(t *testing.T) {
	a, err := ByName("resnet10_small")
	if err != nil {
		t.Fatal(err)
	}
	c, info := NewClassifier(a, 2, rng.New(1)), Info{Vocab: []string{"cat", "dog"}}
	for want, vocab := range map[string][]string{
		`the class "dog" of the model is not among`: {"Dog", "cat", "cow"},
		"no more than the model's 2":                {"cat", "dog"},
	} {
		if _, err := Grow(c, info, vocab, rng.New(1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", vocab, err, want)
		}
	}
}
