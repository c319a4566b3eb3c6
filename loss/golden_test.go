package loss

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/tensor"
)

// reference is the loss and its gradient with respect to the logits. Loss is a
// number, or a list under reduction none.
type reference struct {
	Loss json.RawMessage
	Grad [][]float64
}

func (r reference) values(t *testing.T) []float64 {
	t.Helper()
	var one float64
	if json.Unmarshal(r.Loss, &one) == nil {
		return []float64{one}
	}
	var many []float64
	if err := json.Unmarshal(r.Loss, &many); err != nil {
		t.Fatal(err)
	}
	return many
}

// readGolden returns the cases of a file by name, each a set of raw entries.
func readGolden(t *testing.T, path string) map[string]map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 {
		t.Fatalf("%s has %d cases, want 2", path, len(cases))
	}
	return cases
}

func entry[T any](t *testing.T, c map[string]json.RawMessage, name string) (v T) {
	t.Helper()
	raw, ok := c[name]
	if !ok {
		t.Fatalf("no entry %s", name)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func rows(m [][]float32) *tensor.Tensor {
	x := tensor.New(len(m), len(m[0]))
	for i, r := range m {
		copy(x.Data[i*len(r):], r)
	}
	return x
}

// near compares with a relative tolerance and an absolute one for values that
// cancel to almost nothing.
func near(t *testing.T, what string, got float32, want, rel, abs float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= rel*math.Abs(want)+abs) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func nearAll(t *testing.T, what string, got *tensor.Tensor, want [][]float64, rel, abs float64) {
	t.Helper()
	if len(want) != got.Shape[0] {
		t.Fatalf("%s: %d stored rows, want %d", what, len(want), got.Shape[0])
	}
	for i, r := range want {
		for j, w := range r {
			near(t, fmt.Sprintf("%s [%d,%d]", what, i, j), got.Data[i*len(r)+j], w, rel, abs)
		}
	}
}

// Against float64, Whippet's values are rounded once: 1e-7 relative, and 1e-8
// absolute for gradients (at most 1 here) where softmax and target cancel.
// Against PyTorch's float32 its own rounding shows: some 1e-6 of values of order
// 1, and of gradients.
type tolerance struct{ rel, abs float64 }

var (
	tolF64 = tolerance{1e-7, 1e-8}
	tolF32 = tolerance{2e-6, 1e-6}
)

// variants are the losses with their stored names.
func variants() map[string]*CrossEntropy {
	v := map[string]*CrossEntropy{}
	for _, r := range []Reduction{Mean, Sum, None} {
		v["cross_entropy_"+r.String()] = &CrossEntropy{Reduction: r}
		ls := LabelSmoothingCrossEntropy()
		ls.Reduction = r
		v["label_smoothing_eps0.1_"+r.String()] = ls
	}
	return v
}

func checkCase(t *testing.T, c map[string]json.RawMessage, suffix string, tol tolerance) {
	x := rows(entry[[][]float32](t, c, "logits"))
	y := target.Classes(entry[[]int](t, c, "targets"))
	up := entry[[]float32](t, c, "upstream_for_none")

	logp, err := LogSoftmax(x)
	if err != nil {
		t.Fatal(err)
	}
	nearAll(t, "log_softmax", logp, entry[[][]float64](t, c, "log_softmax"+suffix), tol.rel, tol.abs)

	for name, l := range variants() {
		want := entry[reference](t, c, name+suffix)
		values := want.values(t)
		items := make([]float32, len(y.Class))
		got, err := l.Forward(x, y, items)
		if err != nil {
			t.Fatal(err)
		}
		d := tensor.New(x.Shape...)
		if l.Reduction == None {
			for i, v := range values {
				near(t, name+" item", items[i], v, tol.rel, tol.abs)
			}
			d = withUpstream(t, l, x, y.Class, up)
		} else {
			near(t, name, float32(got), values[0], tol.rel, tol.abs)
			var again float64
			again, err = l.ForwardBackward(x, y, nil, d)
			if again != got {
				t.Errorf("%s: ForwardBackward says %v, Forward %v", name, again, got)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		nearAll(t, name+" gradient", d, want.Grad, tol.rel, tol.abs)
	}
}

func TestLossesAreFastais(t *testing.T) {
	for name, c := range readGolden(t, "testdata/losses.json") {
		t.Run(name, func(t *testing.T) {
			checkCase(t, c, "_f64", tolF64)

			x := rows(entry[[][]float32](t, c, "logits"))
			y := entry[[]int](t, c, "targets")
			probs, err := Softmax(x)
			if err != nil {
				t.Fatal(err)
			}
			// Stored in float32, from logits up to 1e4: 2e-6 as for tolF32.
			nearAll(t, "softmax", probs, entry[[][]float64](t, c, "softmax_activation"), 1e-5, 1e-7)

			want := entry[[]int](t, c, "decodes_argmax")
			for i, k := range want {
				if got := tensor.Argmax(x.Data[i*x.Shape[1] : (i+1)*x.Shape[1]]); got != k {
					t.Errorf("argmax of row %d: %d, want %d", i, got, k)
				}
			}

			logp, err := LogSoftmax(x)
			if err != nil {
				t.Fatal(err)
			}
			nll, err := NLLLoss(logp, y, None)
			if err != nil {
				t.Fatal(err)
			}
			ce, err := CrossEntropyLoss(x, y, None)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range entry[[]float64](t, c, "nll_none") {
				near(t, "nll", nll[i], w, 2e-6, 1e-6)
				near(t, "CrossEntropyLoss", ce[i], w, 2e-6, 1e-6)
			}
		})
	}
}

// The same against PyTorch's own float32 values, which are too large to keep
// in the repository beside the others.
func TestLossesAreFastaisFloat32(t *testing.T) {
	dir := os.Getenv("WHIPPET_TESTDATA")
	if dir == "" {
		t.Skip("WHIPPET_TESTDATA is not set: PyTorch's float32 losses are not compared")
	}
	for name, c := range readGolden(t, filepath.Join(dir, "golden", "05_losses.json")) {
		t.Run(name, func(t *testing.T) {
			checkCase(t, c, "", tolF32)
		})
	}
}
