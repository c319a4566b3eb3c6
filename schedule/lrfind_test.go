package schedule

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenCurve struct {
	Raw     []float64 `json:"input_raw_losses"`
	N       int       `json:"n_iterations"`
	Stopped bool      `json:"stopped_early"`
	LRs     []float64
	Smooth  []float64 `json:"smooth_losses"`
	Min     float64   `json:"suggested_lr_min"`
	Steep   float64   `json:"suggested_lr_steep"`
}

func goldenCurves(t *testing.T) map[string]goldenCurve {
	t.Helper()
	raw, err := os.ReadFile("testdata/lr_find.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "rules") // prose
	curves := map[string]goldenCurve{}
	for name, msg := range all {
		var c goldenCurve
		if err := json.Unmarshal(msg, &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		curves[name] = c
	}
	if len(curves) != 4 {
		t.Fatalf("testdata/lr_find.json has %d curves, want 4", len(curves))
	}
	return curves
}

// sweep drives a Finder as the training loop does.
func sweep(f *Finder, raw []float64) (stopped bool) {
	for _, l := range raw {
		if f.Observe(l) {
			return true
		}
	}
	return false
}

func TestFinderIsFastais(t *testing.T) {
	for name, c := range goldenCurves(t) {
		t.Run(name, func(t *testing.T) {
			f := &Finder{}
			if !sweep(f, c.Raw) {
				t.Error("the finder did not stop by itself")
			}
			got := f.Curve()
			if len(got.LRs) != c.N {
				t.Fatalf("%d steps, want %d", len(got.LRs), c.N)
			}
			for i := range c.LRs {
				if !within(got.LRs[i], c.LRs[i]) {
					t.Errorf("step %d: rate %v, want %v", i, got.LRs[i], c.LRs[i])
				}
				// The running mean is float32 as fastai's, operation by operation.
				if got.Losses[i] != c.Smooth[i] {
					t.Errorf("step %d: smoothed loss %v, want %v", i, got.Losses[i], c.Smooth[i])
				}
			}
			s, err := got.Suggest()
			if err != nil {
				t.Fatal(err)
			}
			// fastai rounds the rates to float32: 6e-8.
			for _, v := range []struct {
				what      string
				got, want float64
			}{{"min", s.Min, c.Min}, {"steep", s.Steep, c.Steep}} {
				if math.Abs(v.got-v.want) > 6e-8*v.want {
					t.Errorf("%s: %v, want %v", v.what, v.got, v.want)
				}
			}
		})
	}
}
