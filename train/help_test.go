package train

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// fixedSource is a source of pictures that are there already as tensors: what
// it opens is a picture of two pixels that hold the item's number, and
// fixedInput looks the tensor up.
type fixedSource struct {
	n       int
	damaged map[int]bool // items that cannot be opened
}

func (s fixedSource) List(context.Context, string) ([]data.Item, error) {
	items := make([]data.Item, s.n)
	for i := range items {
		items[i].Path = fmt.Sprint(i)
	}
	return items, nil
}

func (s fixedSource) Open(it data.Item) (*data.Image, error) {
	var i uint32
	if _, err := fmt.Sscan(it.Path, &i); err != nil {
		return nil, err
	}
	if s.damaged[int(i)] {
		return nil, fmt.Errorf("item %d is damaged", i)
	}
	img := data.NewImage(2, 1)
	binary.LittleEndian.PutUint32(img.Pix, i)
	return img, nil
}

// fixedInput gives each picture the tensor of its number, x [N,H,W,3]. In
// training with noise it is scaled by a random factor of the batch, a stand-in
// for augmentation.
type fixedInput struct {
	x     *tensor.Tensor
	noise float32
}

func (f fixedInput) OutSize(int, int) (int, int) { return f.x.Shape[1], f.x.Shape[2] }

func (f fixedInput) Apply(dst *tensor.Tensor, imgs []*data.Image, train bool, r *rng.Stream) error {
	size := f.x.Len() / f.x.Shape[0]
	k := float32(1)
	if train {
		k += f.noise * r.Float32()
	}
	for i, img := range imgs {
		n := int(binary.LittleEndian.Uint32(img.Pix))
		for p, v := range f.x.Data[n*size : (n+1)*size] {
			dst.Data[i*size+p] = k * v
		}
	}
	return nil
}

func (f fixedInput) String() string { return "fixedInput" }

// fixedLoader serves x [N,H,W,3] with classes y.
func fixedLoader(t testing.TB, x *tensor.Tensor, y []int, c data.LoaderConfig, noise float32) *data.Loader {
	t.Helper()
	src, ok := c.Source.(fixedSource)
	if !ok {
		src = fixedSource{n: x.Shape[0]}
	}
	items, _ := src.List(context.Background(), "")
	c.Source, c.Items, c.Targets, c.BatchTransforms = src, items, target.Classes(y), fixedInput{x, noise}
	l, err := data.NewLoader(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tinyBody is three convolutions, two of them with batch norm, at stride 2.
func tinyBody(r *rng.Stream) nn.Module {
	b := nn.NewSequential(
		nn.NewConv2d(3, 8, 3, 2, 1, false), nn.NewBatchNorm(8), nn.ReLU(),
		nn.NewConv2d(8, 16, 3, 2, 1, false), nn.NewBatchNorm(16), nn.ReLU(),
		nn.NewConv2d(16, 16, 3, 1, 1, true), nn.ReLU())
	for _, e := range nn.Parameters(b) {
		if e.Kind == nn.ConvWeight {
			nn.KaimingNormal(e, false, r)
		}
	}
	return b
}

const (
	tinyClasses = 3
	tinySize    = 8
)

// tinyModel is a classifier small enough to train in milliseconds, with all
// that a large one has: layer groups, batch norms below the head, dropout.
func tinyModel(seed uint64) *models.Classifier {
	r := rng.New(seed, 1)
	arch := &models.Architecture{Name: "tiny", Features: 16, Cuts: []int{3}}
	head := nn.NewSequential(nn.ConcatPool{}, nn.Identity{},
		nn.NewBatchNorm(32), nn.Dropout{P: 0.25}, nn.NewLinear(32, 24, false), nn.ReLU(),
		nn.NewBatchNorm(24), nn.Dropout{P: 0.5}, nn.NewLinear(24, tinyClasses, false))
	for _, e := range nn.Parameters(head) {
		if e.Kind == nn.LinearWeight {
			nn.KaimingNormal(e, false, r)
		}
	}
	return &models.Classifier{Arch: arch, Classes: tinyClasses, Body: tinyBody(r), Head: head}
}

// tinyTensors makes n pictures of noise in which one channel is brighter: the
// class.
func tinyTensors(seed uint64, n int) (*tensor.Tensor, []int) {
	r := rng.New(seed, 2)
	x, y := tensor.New(n, tinySize, tinySize, 3), make([]int, n)
	for i := range y {
		y[i] = r.IntN(tinyClasses)
		for p := range tinySize * tinySize {
			for c := range 3 {
				v := r.Normal()
				if c == y[i] {
					v += 1.5
				}
				x.Data[(i*tinySize*tinySize+p)*3+c] = float32(v)
			}
		}
	}
	return x, y
}

// tinyLearner has 44 training pictures in batches of 8 (the last 4 of an epoch
// are dropped, so there are 5 batches) and 20 for validation.
func tinyLearner(t testing.TB, workers int, opts ...Option) *Learner {
	t.Helper()
	tx, ty := tinyTensors(1, 44)
	vx, vy := tinyTensors(2, 20)
	dls := &data.DataLoaders{Vocab: []string{"a", "b", "c"},
		Train: fixedLoader(t, tx, ty, data.LoaderConfig{BatchSize: 8, Train: true, Shuffle: true, DropLast: true, Seed: 5, Workers: workers}, 0.2),
		Valid: fixedLoader(t, vx, vy, data.LoaderConfig{BatchSize: 8, Workers: workers}, 0)}
	l, err := New(dls, tinyModel(3), append([]Option{Seed(7)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const tinyIters = 5

// modelBits returns a copy of everything the model holds.
func modelBits(l *Learner) map[string][]float32 {
	m := map[string][]float32{}
	for _, g := range l.groups {
		for _, e := range g {
			m[e.Name] = e.Get()
		}
	}
	return m
}

// sameBits reports the first entries that differ in any bit.
func sameBits(t *testing.T, what string, a, b map[string][]float32) {
	t.Helper()
	for name, v := range a {
		w := b[name]
		if len(v) != len(w) {
			t.Errorf("%s: %s has %d values and %d", what, name, len(v), len(w))
			continue
		}
		for i := range v {
			if math.Float32bits(v[i]) != math.Float32bits(w[i]) {
				t.Errorf("%s: %s[%d] is %v and %v", what, name, i, v[i], w[i])
				break
			}
		}
	}
}
