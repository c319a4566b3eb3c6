package main

import (
	. "github.com/mmcloughlin/avo/build"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// gatherWindow: g = sum over the window of dy where arg = pos; out = g, or with
// norm, a*g + (b*(x-mean) + d), x, mean, a, b, d being more[0] to more[4].
func gatherWindow(v *isa.Set, w *window, norm, nonTemporal bool) windowBody {
	sum := v.Vecs(w.n)
	return windowBody{
		start: func() {
			for _, s := range sum {
				v.Clear(s)
			}
		},
		step: func() {
			pos := v.SplatInt(w.pos)
			for i := range sum {
				a := v.Vec()
				VPMOVZXBD(w.argAt(i), a)
				if v.Wide {
					k := K()
					VPCMPEQD(pos, a, k)
					VADDPS(w.srcAt(i), sum[i], k, sum[i])
					continue
				}
				VPCMPEQD(pos, a, a)
				VANDPS(w.srcAt(i), a, a)
				VADDPS(a, sum[i], sum[i])
			}
		},
		end: func() {
			if norm {
				xs, mean, a, b, d := w.more(0), w.more(1), w.more(2), w.more(3), w.more(4)
				for i := range sum {
					x := v.Load(xs(i), nil)
					VSUBPS(mean(i), x, x)
					f := v.Load(b(i), nil)
					VFMADD213PS(d(i), f, x)
					VFMADD132PS(a(i), x, sum[i])
				}
			}
			w.store(sum, nonTemporal)
		},
	}
}
