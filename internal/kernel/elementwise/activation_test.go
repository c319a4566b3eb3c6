package elementwise

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/rowwise"
	"github.com/whippet-ml/whippet/internal/testkit/kerneltest"
)

// eachActivation runs f for every activation with every instruction set.
func eachActivation(t *testing.T, f func(t *testing.T, a Activation)) {
	for a := range Activation(activations) {
		t.Run(a.String(), func(t *testing.T) {
			kerneltest.EachSet(t, func(t *testing.T) { f(t, a) })
		})
	}
}

// ramp returns numbers from -limit to limit, closer together near 0.
func ramp(n int, limit float64) []float32 {
	s := make([]float32, n)
	for i := range s {
		u := 2*float64(i)/float64(n-1) - 1
		s[i] = float32(u * u * u * limit)
	}
	return s
}

// TestActivationValues compares the functions and their derivatives with float64
// over all magnitudes that matter, and at the ends of the range.
func TestActivationValues(t *testing.T) {
	x := append(ramp(40001, 12), ramp(1001, 100)...)
	x = append(x, -3, 3, 6, 0, float32(math.Copysign(0, -1)), 1e-40, -1e-40, 1e4, -1e4, 3e38, -3e38, 1e19, -1e19, -87, -88, -89)
	eachActivation(t, func(t *testing.T, a Activation) {
		y, dx, dy := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		for i := range dy {
			dy[i] = 2
		}
		a.Apply(x, y)
		a.Backward(dy, x, dx)
		want := kerneltest.Activations[a.String()]
		for i, v := range x {
			v := float64(v)
			if w := want.Value(v); !(math.Abs(float64(y[i])-w) <= 4e-7*(math.Abs(w)+0.05)) && math.Abs(v) < 1e18 {
				t.Fatalf("%v(%g) = %g, want %g", a, v, y[i], w)
			}
			if w := 2 * want.Slope(v); math.Abs(v) < 100 && !(math.Abs(float64(dx[i])-w) <= 2e-6) {
				t.Fatalf("%v'(%g)*2 = %g, want %g", a, v, dx[i], w)
			}
			if bad := y[i] != y[i] || dx[i] != dx[i]; bad {
				t.Fatalf("%v(%g) = %g, with the derivative %g", a, v, y[i], dx[i]/2)
			}
		}
	})
}

// TestActivationGolden compares with torch.nn's modules in float32, kinks
// included, and their gradients by autograd.
func TestActivationGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/activations.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		X           []float32
		Activations map[string]struct{ Y, DX []float64 }
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Activations) != activations-1 { // all but Identity
		t.Errorf("the file has %d activations, want %d", len(golden.Activations), activations-1)
	}
	ones := make([]float32, len(golden.X))
	for i := range ones {
		ones[i] = 1
	}
	eachActivation(t, func(t *testing.T, a Activation) {
		want, ok := golden.Activations[a.String()]
		if !ok {
			return
		}
		y, dx := make([]float32, len(ones)), make([]float32, len(ones))
		a.Apply(golden.X, y)
		a.Backward(ones, golden.X, dx)
		kerneltest.Near(t, "y", y, want.Y, 3e-7)
		kerneltest.Near(t, "dx", dx, want.DX, 5e-7)
	})
}

// TestActivationNaN checks that a NaN is not hidden.
func TestActivationNaN(t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		x := make([]float32, 37)
		for i := range x {
			x[i] = kerneltest.Nan32
		}
		y := make([]float32, len(x))
		a.Apply(x, y)
		for i, v := range y {
			if v == v {
				t.Fatalf("%v(NaN) = %g at %d", a, v, i)
			}
		}
	})
}

// TestActivationThreads checks lengths, threads, alignments and results in place.
func TestActivationThreads(t *testing.T) {
	eachActivation(t, func(t *testing.T, a Activation) {
		for _, n := range []int{0, 1, 7, 8, 17, 63, 130, 2*rowwise.FlatChunk + 13} {
			out := kerneltest.SameForThreads(t, func(r *kerneltest.Arena) [][]float32 {
				x, dy := r.Normal(n, 0, 3), r.Normal(n, 0, 1)
				y, dx := r.Zeros(n), r.Zeros(n)
				a.Apply(x, y)
				a.Backward(dy, x, dx)
				tile, over := r.CopyOf(x), r.CopyOf(dy)
				a.Tile(tile, 1, n, n)
				a.Backward(over, x, over)
				a.Apply(x, x)
				return [][]float32{y, dx, tile, over, x}
			})
			for i := range out[0] {
				if out[2][i] != out[0][i] || out[4][i] != out[0][i] || out[3][i] != out[1][i] {
					t.Fatalf("value %d of %d in place: %g and %g, else %g; gradient %g, else %g", i, n, out[2][i], out[4][i], out[0][i], out[3][i], out[1][i])
				}
			}
		}
	})
}

// TestUnknownActivation checks that one that does not exist is told.
func TestUnknownActivation(t *testing.T) {
	a := Activation(activations)
	defer func() {
		if s := fmt.Sprint(recover()); s != "elementwise.Activation.Apply: there is no activation 9" {
			t.Errorf("the panic says %q", s)
		}
	}()
	a.Apply(make([]float32, 1), make([]float32, 1))
}
