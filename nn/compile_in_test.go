package nn_test

import (
	"math"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"

	"github.com/whippet-ml/whippet/autograd"
	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/nn"
	"github.com/whippet-ml/whippet/rng"
	"github.com/whippet-ml/whippet/tensor"
)

// TestCompileIn packs into an arena full of NaN, twice, and expects what Compile
// computes, to the bit, and no growth of the arena.
func TestCompileIn(t *testing.T) {
	for _, name := range []string{"resnet18", "resnet50", "squeezenet1_0"} {
		t.Run(name, func(t *testing.T) {
			if name == "resnet50" {
				slow.Test(t)
			}
			arch, err := models.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			r := rng.New(3)
			m := models.NewClassifier(arch, 3, r)
			plain, arena := nn.Compile(m), autograd.NewArena()
			dirty := arena.Get(64 << 20)
			for i := range dirty {
				dirty[i] = float32(math.NaN())
			}
			arena.Put(dirty)
			held := arena.Bytes()
			for range 2 {
				inf := nn.CompileIn(m, arena)
				for _, c := range []struct{ batch, size int }{{1, 64}, {3, 75}, {16, 64}} {
					x := tensor.New(c.batch, c.size, c.size, 3)
					for i := range x.Data {
						x.Data[i] = float32(r.Normal())
					}
					want, err := plain.Run(x)
					if err != nil {
						t.Fatal(err)
					}
					got, err := inf.Run(x)
					if err != nil {
						t.Fatal(err)
					}
					for i, v := range want.Data {
						if got.Data[i] != v {
							t.Fatalf("batch %d of %d pixels: value %d is %v, want %v", c.batch, c.size, i, got.Data[i], v)
						}
					}
				}
				inf.Release()
			}
			if b := arena.Bytes(); b != held {
				t.Errorf("the arena grew from %d to %d bytes", held, b)
			}
		})
	}
}
