package norm

import (
	"testing"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
)

func TestLengthsAreChecked(t *testing.T) {
	s := func(n int) []float32 { return make([]float32, n) }
	for name, f := range map[string]func(){
		"ScaleShift": func() {
			ScaleShift{Rows: 2, C: 4, Scale: s(4), Shift: s(4)}.Apply(s(8), s(8), elementwise.Epilogue{Residual: s(7)})
		},
		"ScaleShiftMask": func() {
			ScaleShift{Rows: 2, C: 4, Scale: s(4), Shift: s(4)}.Apply(s(8), s(8), elementwise.Epilogue{Activation: elementwise.ReLU, Mask: make([]uint16, 1)})
		},
		"MaskWithoutReLU": func() {
			ScaleShift{Rows: 2, C: 4, Scale: s(4), Shift: s(4)}.Apply(s(8), s(8), elementwise.Epilogue{Mask: make([]uint16, 2)})
		},
		"BatchNormMask": func() {
			BatchNorm{Rows: 2, C: 4, Mean: s(4), InvStd: s(4), DGamma: s(4), DBeta: s(4), Passed: Mask{Scale: s(4), Shift: s(3)}}.Reduce(s(8), s(8))
		},
		"ChannelStats": func() { ChannelStats(s(8), 2, 4, s(4), s(3)) },
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
