package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/whippet-ml/whippet/internal/kernel/asm/isa"
)

// maxWindow: best = max over the window; at = its position, with relu 255 unless
// best > 0. The bytes go to arg, which here is an output.
func maxWindow(v *isa.Set, w *window, positions, relu bool) windowBody {
	best, at := v.Vecs(w.n), v.Vecs(w.n)
	return windowBody{
		start: func() {
			for i := range best {
				VMOVUPS(w.srcAt(i), best[i])
				if positions {
					VMOVAPS(v.SplatInt(w.pos), at[i])
				}
			}
		},
		step: func() {
			// where x > best or x is a NaN: best, at = x, pos
			var pos reg.VecVirtual
			if positions {
				pos = v.SplatInt(w.pos)
			}
			for i := range best {
				x := v.Load(w.srcAt(i), nil)
				if v.Wide {
					k, nan := K(), K()
					VCMPPS(isa.Greater, best[i], x, k)
					VCMPPS(isa.Unordered, x, x, nan)
					KORW(k, nan, k)
					VMOVAPS(x, k, best[i])
					if positions {
						VMOVAPS(pos, k, at[i])
					}
					continue
				}
				m, nan := v.Vec(), v.Vec()
				VCMPPS(isa.Greater, best[i], x, m)
				VCMPPS(isa.Unordered, x, x, nan)
				VORPS(nan, m, m)
				VBLENDVPS(m, x, best[i], best[i])
				if positions {
					VBLENDVPS(m, pos, at[i], at[i])
				}
			}
		},
		end: func() {
			w.store(best, false)
			if !positions {
				return
			}
			if relu {
				zero, nowhere := v.Zero(), nowhere(v)
				for i := range at {
					if v.Wide {
						k := K()
						VCMPPS(isa.NotGreater, zero, best[i], k)
						VMOVAPS(nowhere, k, at[i])
						continue
					}
					m := v.Vec()
					VCMPPS(isa.NotGreater, zero, best[i], m)
					VBLENDVPS(m, nowhere, at[i], at[i])
				}
			}
			storeBytes(v, w, at)
		},
	}
}

// storeBytes stores the integers in at as bytes to arg.
func storeBytes(v *isa.Set, w *window, at []reg.VecVirtual) {
	bytes := GP64()
	MOVQ(w.args.Field("arg"), bytes)
	for i := range at {
		to := Mem{Base: bytes, Index: w.out.Index, Scale: 1, Disp: i * v.Lanes()}
		if v.Wide {
			VPMOVDB(at[i], to)
			continue
		}
		hi := XMM()
		VEXTRACTI128(Imm(1), at[i].AsY(), hi)
		VPACKUSDW(hi, at[i].AsX(), hi)
		VPACKUSWB(hi, hi, hi)
		VMOVQ(hi, to)
	}
}

// nowhere returns a vector of the position of a maximum that no input has.
func nowhere(v *isa.Set) reg.VecVirtual {
	r := GP64()
	MOVQ(U32(255), r)
	return v.SplatInt(r)
}
