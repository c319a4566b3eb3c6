package optimizer

import "testing"

func TestLengthsAreChecked(t *testing.T) {
	s := func(n int) []float32 { return make([]float32, n) }
	for name, f := range map[string]func(){
		"Adam": func() {
			Adam{LR: 1, Debias1: 1, Debias2: 1}.Step(s(4), s(4), s(4), s(3))
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("slices of the wrong length were accepted")
				}
			}()
			f()
		})
	}
}
