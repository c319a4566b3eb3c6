package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// normWindow: best = max over the window and 0 of x*scale+shift; top = that x;
// at = its position, 255 for the 0. scale and shift are more[0] and more[1],
// top goes to more[2].
func normWindow(v *isa.Set, w *window) windowBody {
	best, top, at := v.Vecs(w.n), v.Vecs(w.n), v.Vecs(w.n)
	var scale, shift []reg.VecVirtual
	return windowBody{
		start: func() {
			m := w.more(0)
			scale = isa.Each(w.n, func(i int) reg.VecVirtual { return v.Load(m(i), nil) })
			m = w.more(1)
			shift = isa.Each(w.n, func(i int) reg.VecVirtual { return v.Load(m(i), nil) })
			first := nowhere(v)
			for i := range best {
				v.Clear(best[i])
				v.Clear(top[i])
				VMOVAPS(first, at[i])
			}
		},
		step: func() {
			pos := v.SplatInt(w.pos)
			for i := range best {
				x, y := v.Load(w.srcAt(i), nil), v.Vec()
				VMOVAPS(x, y)
				VFMADD213PS(shift[i], scale[i], y)
				if v.Wide {
					k, nan := K(), K()
					VCMPPS(isa.Greater, best[i], y, k)
					VCMPPS(isa.Unordered, y, y, nan)
					KORW(k, nan, k)
					VMOVAPS(y, k, best[i])
					VMOVAPS(x, k, top[i])
					VMOVAPS(pos, k, at[i])
					continue
				}
				m, nan := v.Vec(), v.Vec()
				VCMPPS(isa.Greater, best[i], y, m)
				VCMPPS(isa.Unordered, y, y, nan)
				VORPS(nan, m, m)
				VBLENDVPS(m, y, best[i], best[i])
				VBLENDVPS(m, x, top[i], top[i])
				VBLENDVPS(m, pos, at[i], at[i])
			}
		},
		end: func() {
			w.store(best, false)
			m := w.more(2)
			for i := range best {
				VMOVUPS(top[i], m(i))
			}
			storeBytes(v, w, at)
		},
	}
}
