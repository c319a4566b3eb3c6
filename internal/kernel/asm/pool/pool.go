package main

import (
	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// pool makes the kernels of max pooling.
func pool(v *isa.Set) {
	windows(v, "MaxWindow", "sets out to the maximum over the window; see maxWindow.max.",
		4, false, func(w *window) windowBody { return maxWindow(v, w, false, false) })
	windows(v, "MaxWindowArg", "sets out to the maximum over the window and arg to its position; see maxWindow.max.",
		4, false, func(w *window) windowBody { return maxWindow(v, w, true, false) })
	windows(v, "MaxWindowArgReLU", "sets out to the maximum over the window and arg to its position, 255 unless it is above 0; see maxWindow.max.",
		4, false, func(w *window) windowBody { return maxWindow(v, w, true, true) })
	many := 4
	if !v.Wide {
		many = 2 // 16 registers
	}
	windows(v, "NormWindow", "sets out to the maximum over the window and 0 of x*scale + shift, more[2] to that x and arg to its position, 255 for the 0; scale is more[0], shift more[1]; see maxWindow.normMax.",
		many, false, func(w *window) windowBody { return normWindow(v, w) })
	for _, nonTemporal := range v.NonTemporal() {
		windows(v, "GatherWindow"+isa.When(nonTemporal, "NonTemporal"), "sets out to g, the sum over the window of dy (src) where arg is the position; see gatherWindow.gather.",
			4, true, func(w *window) windowBody { return gatherWindow(v, w, false, nonTemporal) })
		windows(v, "NormGather"+isa.When(nonTemporal, "NonTemporal"), "sets out to a*g + (b*(x-mean) + d), g as in GatherWindow; x, mean, a, b, d are more[0] to more[4].",
			4, true, func(w *window) windowBody { return gatherWindow(v, w, true, nonTemporal) })
	}
}
