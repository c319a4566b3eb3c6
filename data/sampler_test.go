package data

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

func TestBalancedItemWeights(t *testing.T) {
	w, err := BalancedItemWeights(target.Classes([]int{0, 0, 0, 2, 0}), 3)
	if want := []float64{0.25, 0.25, 0.25, 1, 0.25}; err != nil || !slices.Equal(w, want) {
		t.Errorf("weights %v (%v), want %v", w, err, want)
	}
	several := target.Targets{Values: tensor.FromSlice([]float32{1, 0, 1, 1, 0, 0, 1, 0, 0, 0}, 5, 2)}
	w, err = BalancedItemWeights(several, 2) // 3 items with the first label, 1 with the second, 1 with none
	if want := []float64{1. / 3, 1, 1. / 2, 1. / 3, 1. / 2}; err != nil || len(w) != len(want) {
		t.Errorf("weights %v (%v)", w, err)
	}
	if _, err := BalancedItemWeights(target.Targets{Values: tensor.FromSlice([]float32{0.5}, 1, 1)}, 1); err == nil {
		t.Error("numbers have been balanced")
	}
}

// TestDraw checks that items are drawn as often as their weights say, within one, and
// in another order each time.
func TestDraw(t *testing.T) {
	w := make([]float64, 1000)
	for i := range w {
		w[i] = 1. / 990
		if i < 10 {
			w[i] = 1. / 10
		}
	}
	rare, first := 0.0, []int(nil)
	const epochs = 200
	for e := range uint64(epochs) {
		order := draw(w, rng.New(1, e))
		if len(order) != len(w) {
			t.Fatalf("%d of %d are drawn", len(order), len(w))
		}
		count := make([]int, len(w))
		for _, i := range order {
			count[i]++
		}
		for i, n := range count {
			if want := w[i] / 2 * 1000; math.Abs(float64(n)-want) >= 1+1e-9 {
				t.Fatalf("item %d is drawn %d times, want %v rounded up or down", i, n, want)
			}
			if i < 10 {
				rare += float64(n)
			}
		}
		if first == nil {
			first = order
		} else if e == 1 && slices.Equal(first, order) {
			t.Error("two epochs have the same order")
		}
	}
	if rare /= epochs; math.Abs(rare-500) > 5 {
		t.Errorf("the ten rare items are drawn %v times an epoch, want 500", rare)
	}
	even := draw([]float64{1, 1, 1, 1, 1, 1, 1}, rng.New(2))
	if slices.Sort(even); !slices.Equal(even, []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("items of equal weight: %v, want each once", even)
	}
	if got := again([]int{3, 1, 3, 3, 1}); !slices.Equal(got, []int{0, 0, 1, 2, 1}) {
		t.Errorf("again %v", got)
	}
}

// TestWeightsOfLoader checks that an item that is drawn twice has other random numbers, and
// that bad weights are refused.
func TestWeightsOfLoader(t *testing.T) {
	for _, w := range [][]float64{{1}, {1, -1}, {0, 0}, {1, math.NaN()}, {math.Inf(1), 1}} {
		c := LoaderConfig{Source: nilSource{}, Items: make([]Item, 2), Weights: w}
		if _, err := NewLoader(c); err == nil {
			t.Errorf("the weights %v of 2 items pass", w)
		}
	}
	l, err := NewLoader(LoaderConfig{Source: nilSource{}, Items: make([]Item, 2), Weights: []float64{1, 0}, Shuffle: true})
	if err != nil {
		t.Fatal(err)
	}
	if order := l.Order(0); !slices.Equal(order, []int{0, 0}) {
		t.Errorf("order %v, want the first item twice", order)
	}
	a, b, old := l.itemStream(1, 0, 0).Uint64(), l.itemStream(1, 0, 1).Uint64(), rng.New(0, streamItem, 1, 0).Uint64()
	if a != old || a == b {
		t.Error("an item has another stream when it is drawn again, and the same as ever at first")
	}
}

// TestRepeats checks the order of repeated augmentation, and that each view has other random numbers.
func TestRepeats(t *testing.T) {
	if got := repeated([]int{4, 2, 0, 1, 3}, 3); !slices.Equal(got, []int{4, 4, 4, 2, 2}) {
		t.Errorf("repeated %v", got)
	}
	c := LoaderConfig{Source: nilSource{}, Items: make([]Item, 10), Shuffle: true, Seed: 3}
	once, err := NewLoader(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Repeats = 4
	l, err := NewLoader(c)
	if err != nil {
		t.Fatal(err)
	}
	for epoch := range 3 {
		if got, want := l.Order(epoch), repeated(once.Order(epoch), 4); !slices.Equal(got, want) {
			t.Errorf("epoch %d: order %v, want %v", epoch, got, want)
		}
	}
	if v := l.WithTransforms(false).Order(0); !slices.Equal(v, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("to judge the training set, order %v; want every item once", v)
	}
	for _, bad := range []LoaderConfig{{Repeats: -1}, {Repeats: 2, Weights: []float64{1, 1}}} {
		bad.Source, bad.Items = nilSource{}, make([]Item, 2)
		if _, err := NewLoader(bad); err == nil {
			t.Errorf("%d repeats with weights %v were taken", bad.Repeats, bad.Weights)
		}
	}
}

// TestRepeatedViews reads an epoch in which every picture is there twice, as two views.
func TestRepeatedViews(t *testing.T) {
	views := map[int][]float32{}
	l, err := NewLoader(LoaderConfig{Source: grayPixel{}, Items: make([]Item, 8), BatchSize: 4, Train: true, Shuffle: true, Repeats: 2, Seed: 1, ItemTransforms: noisy{}})
	if err != nil {
		t.Fatal(err)
	}
	it := l.Epoch(t.Context(), 1, 0)
	defer it.Close()
	for {
		b, err := it.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range b.Index {
			views[i] = append(views[i], b.X.Data[3*k])
		}
		b.Release()
	}
	if len(views) != 4 {
		t.Errorf("%d of 8 items in an epoch, want 4", len(views))
	}
	for i, v := range views {
		if len(v) != 2 || v[0] == v[1] {
			t.Errorf("item %d: views %v, want two that differ", i, v)
		}
	}
}

// grayPixel has one picture.
type grayPixel struct{ Source }

func (grayPixel) Open(Item) (*Image, error) { return NewImage(1, 1), nil }

// noisy gives pictures another random value.
type noisy struct{}

func (noisy) Apply(img *Image, _ bool, r *rng.Stream) (*Image, error) {
	out := NewImage(img.Width, img.Height)
	out.Pix[0] = uint8(r.IntN(256))
	return out, nil
}

func (noisy) String() string { return "noisy" }

// nilSource has no pictures.
type nilSource struct{ Source }
