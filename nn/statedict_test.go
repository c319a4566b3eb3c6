package nn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/weights"
)

// smallNet has every kind of entry.
func smallNet(seed uint64) nn.Module {
	r := rng.New(seed)
	m := nn.NewSequential(nn.NewConv2d(2, 3, 3, 1, 1, true), nn.NewBatchNorm(3), nn.ReLU(), nn.GlobalAvgPool{}, nn.NewLinear(3, 2, true))
	for _, e := range nn.State(m) {
		v := e.Get()
		for i := range v {
			v[i] = float32(math.Round(100 * r.Float64()))
		}
		if err := e.Set(v); err != nil {
			panic(err)
		}
	}
	return m
}

func same(t *testing.T, got, want nn.Module) {
	t.Helper()
	w := nn.State(want).Arrays()
	for i, a := range nn.State(got).Arrays() {
		for k, v := range a.Float32s() {
			if v != w[i].Float32s()[k] {
				t.Errorf("%s value %d is %v, want %v", a.Name, k, v, w[i].Float32s()[k])
			}
		}
	}
}

func TestStateDictArraysAndLoad(t *testing.T) {
	from, to := smallNet(1), smallNet(2)
	f := &weights.File{Arrays: nn.State(from).Arrays()}
	if err := nn.State(to).Load(f); err != nil {
		t.Fatal(err)
	}
	same(t, to, from)
	f.Arrays[0].F32[0]++ // a copy: the model stays
	same(t, to, from)
}

// TestStateDictRefuses checks that a file which cannot be loaded is refused with
// the name of the entry, and leaves the model as it was.
func TestStateDictRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(f *weights.File)
		want  string
	}{
		"missing":    {func(f *weights.File) { f.Arrays = f.Arrays[1:] }, "0.weight"},
		"unexpected": {func(f *weights.File) { f.Arrays = append(f.Arrays, weights.Array{Name: "7.bias"}) }, "7.bias"},
		"shape":      {func(f *weights.File) { f.Arrays[1].Shape, f.Arrays[1].F32 = []int{2}, make([]float32, 2) }, "0.bias"},
		"integers": {func(f *weights.File) {
			f.Arrays[1] = weights.Array{Name: "0.bias", Shape: []int{3}, DType: weights.I64, I64: make([]int64, 3)}
		}, `"0.bias" holds integers`},
		"NaN":      {func(f *weights.File) { f.Arrays[3].F32[1] = float32(math.NaN()) }, "value 1 is NaN"},
		"infinite": {func(f *weights.File) { f.Arrays[4].F32[0] = float32(math.Inf(-1)) }, "value 0 is -Inf"},
	} {
		t.Run(name, func(t *testing.T) {
			to := smallNet(2)
			f := &weights.File{Arrays: nn.State(smallNet(1)).Arrays()}
			c.spoil(f)
			if err := nn.State(to).Load(f); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			same(t, to, smallNet(2))
		})
	}
}

func TestStateDictLoadWithoutCounter(t *testing.T) {
	to := smallNet(2)
	f := &weights.File{Format: weights.PyTorchZip}
	for _, a := range nn.State(smallNet(1)).Arrays() {
		if a.DType != weights.I64 {
			f.Arrays = append(f.Arrays, a)
		}
	}
	if err := nn.State(to).Load(f); err != nil {
		t.Fatal(err)
	}
	for _, e := range nn.State(to) {
		if e.Kind == nn.BatchCount && e.Get()[0] != 0 {
			t.Errorf("%s is %v, want 0", e.Name, e.Get()[0])
		}
	}
}

func TestSnapshot(t *testing.T) {
	m := smallNet(1)
	d := nn.State(m)
	s := d.Snapshot()
	if err := d.Load(&weights.File{Arrays: nn.State(smallNet(2)).Arrays()}); err != nil {
		t.Fatal(err)
	}
	d.Restore(s)
	same(t, m, smallNet(1))

	// Through a file, and back.
	f := &weights.File{Arrays: s.Arrays("best/")}
	other := smallNet(3)
	read, err := nn.State(other).ReadSnapshot(f, "best/")
	if err != nil {
		t.Fatal(err)
	}
	nn.State(other).Restore(read)
	same(t, other, smallNet(1))

	if s, err := d.ReadSnapshot(f, "none/"); s != nil || err != nil {
		t.Errorf("snapshot %v, error %v of a file without one, want none", s, err)
	}
	for name, f := range map[string]*weights.File{
		"an array less": {Arrays: f.Arrays[1:]},
		"another size":  {Arrays: append([]weights.Array{{Name: "best/0.weight", Shape: []int{1}, F32: []float32{1}}}, f.Arrays[1:]...)},
		"another type":  {Arrays: append([]weights.Array{{Name: "best/0.weight", Shape: []int{54}, DType: weights.F64, F64: make([]float64, 54)}}, f.Arrays[1:]...)},
	} {
		if s, err := d.ReadSnapshot(f, "best/"); s != nil || err == nil {
			t.Errorf("%s: snapshot %v, error %v, want an error", name, s, err)
		}
	}
}

func TestFirstNotFinite(t *testing.T) {
	d := nn.State(smallNet(1))
	if name := d.FirstNotFinite(); name != "" {
		t.Errorf("%s is not finite, want none", name)
	}
	d[3].Values()[2] = float32(math.Inf(1))
	if name := d.FirstNotFinite(); name != d[3].Name {
		t.Errorf("%q is not finite, want %q", name, d[3].Name)
	}
}
