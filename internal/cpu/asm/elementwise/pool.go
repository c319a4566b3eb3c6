package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of windowArgs.
const (
	winSrc = 8 * iota
	winArg
	winOut
	winRows
	winCols
	winRowSkip
	winC
	winFirst
	winColStep
	winRowStep
	winMore
)

// window is what the body of a pooling kernel works on: n vectors of channels
// of one pixel, their bytes, and the pixel's position.
type window struct {
	v             *isa
	n             int
	args          reg.GPVirtual
	src, arg, pos reg.GPVirtual
	out           Mem
}

// more returns the address of the block's i-th vector in array k of
// windowArgs.more.
func (w *window) more(k int) func(i int) Mem {
	p := GP64()
	MOVQ(Mem{Base: w.args, Disp: winMore + 8*k}, p)
	return func(i int) Mem {
		return Mem{Base: p, Index: w.out.Index, Scale: 4, Disp: i * w.v.bytes}
	}
}

func (w *window) srcAt(i int) Mem { return Mem{Base: w.src, Disp: i * w.v.bytes} }
func (w *window) argAt(i int) Mem { return Mem{Base: w.arg, Disp: i * w.v.lanes()} }
func (w *window) outAt(i int) Mem { return w.out.Offset(i * w.v.bytes) }

// store writes the block's result; past, to aligned addresses past the caches.
func (w *window) store(x []reg.VecVirtual, past bool) {
	for i := range x {
		if past {
			VMOVNTPS(x[i], w.outAt(i))
		} else {
			VMOVUPS(x[i], w.outAt(i))
		}
	}
}

// windowBody is a pooling kernel for one block of channels.
type windowBody struct{ start, step, end func() }

// windows generates the loops of a pooling kernel:
//
//	for blocks of channels { start; for rows { for cols { step } }; end }
//
// A block is many vectors while there are as many, so that one vector's
// comparisons need not wait for another's, then one. The last vector is moved
// back to end with the last channel, so c is at least one vector and the output
// must not overlap the input.
func (v *isa) windows(name string, many int, arg bool, body func(w *window) windowBody) {
	v.function(name, "windowArgs")
	args := GP64()
	Load(Param("p"), args)
	field := func(disp int) reg.GPVirtual {
		r := GP64()
		MOVQ(Mem{Base: args, Disp: disp}, r)
		return r
	}
	base, out, c := field(winSrc), field(winOut), field(winC)
	var argBase reg.GPVirtual
	if arg {
		argBase = field(winArg)
	}
	ch, limit := GP64(), GP64()
	XORQ(ch, ch)
	for _, n := range []int{many, 1} {
		label := func(s string) string { return fmt.Sprintf("%s%d", s, n) }
		Comment(fmt.Sprintf("blocks of %d", n))
		LEAQ(Mem{Base: c, Disp: -n * v.lanes()}, limit)
		Label(label("channels"))
		CMPQ(ch, limit)
		JG(LabelRef(label("end")))
		w := &window{v: v, n: n, args: args, src: GP64(), pos: field(winFirst)}
		rows := field(winRows)
		LEAQ(Mem{Base: base, Index: ch, Scale: 4}, w.src)
		if arg {
			w.arg = GP64()
			LEAQ(Mem{Base: argBase, Index: ch, Scale: 1}, w.arg)
		}
		w.out = Mem{Base: out, Index: ch, Scale: 4}
		b := body(w)
		b.start()
		Label(label("rows"))
		cols := field(winCols)
		Label(label("cols"))
		b.step()
		Comment("next pixel: c floats and bytes on")
		LEAQ(Mem{Base: w.src, Index: c, Scale: 4}, w.src)
		if arg {
			ADDQ(c, w.arg)
		}
		ADDQ(Mem{Base: args, Disp: winColStep}, w.pos)
		DECQ(cols)
		JNZ(LabelRef(label("cols")))
		Comment("next row of the window")
		skip := field(winRowSkip)
		LEAQ(Mem{Base: w.src, Index: skip, Scale: 4}, w.src)
		if arg {
			ADDQ(skip, w.arg)
		}
		ADDQ(Mem{Base: args, Disp: winRowStep}, w.pos)
		DECQ(rows)
		JNZ(LabelRef(label("rows")))
		b.end()
		ADDQ(I32(n*v.lanes()), ch)
		JMP(LabelRef(label("channels")))
		Label(label("end"))
	}
	Comment("the last vector, unless all is done, ends with the last channel")
	CMPQ(ch, c)
	JGE(LabelRef("done"))
	MOVQ(limit, ch)
	JMP(LabelRef("channels1"))
	Label("done")
	VZEROUPPER()
	RET()
}

// broadcast returns a vector of the integer in r.
func (v *isa) broadcast(r reg.GPVirtual) reg.VecVirtual {
	x := v.vec()
	if v.wide {
		VPBROADCASTD(r.As32(), x)
	} else {
		t := XMM()
		VMOVD(r.As32(), t)
		VPBROADCASTD(t, x)
	}
	return x
}

func (v *isa) vecs(n int) []reg.VecVirtual {
	return each(n, func(int) reg.VecVirtual { return v.vec() })
}

// nowhere returns a vector of the position of a maximum that no input has.
func (v *isa) nowhere() reg.VecVirtual {
	r := GP64()
	MOVQ(U32(255), r)
	return v.broadcast(r)
}

// pool makes the kernels of max pooling.
func pool(v *isa) {
	v.windows("MaxWindow", 4, false, func(w *window) windowBody { return v.maxWindow(w, false, false) })
	v.windows("MaxWindowArg", 4, false, func(w *window) windowBody { return v.maxWindow(w, true, false) })
	v.windows("MaxWindowArgReLU", 4, false, func(w *window) windowBody { return v.maxWindow(w, true, true) })
	many := 4
	if !v.wide {
		many = 2 // 16 registers
	}
	v.windows("NormWindow", many, false, v.normWindow)
	for _, past := range []bool{false, true} {
		v.windows("GatherWindow"+when(past, "Past"), 4, true, func(w *window) windowBody { return v.gatherWindow(w, false, past) })
		v.windows("NormGather"+when(past, "Past"), 4, true, func(w *window) windowBody { return v.gatherWindow(w, true, past) })
	}
}

// maxWindow: best = max over the window; at = its position, with relu 255 unless
// best > 0. The bytes go to winArg, which here is an output.
func (v *isa) maxWindow(w *window, positions, relu bool) windowBody {
	best, at := v.vecs(w.n), v.vecs(w.n)
	return windowBody{
		start: func() {
			for i := range best {
				VMOVUPS(w.srcAt(i), best[i])
				if positions {
					VMOVAPS(v.broadcast(w.pos), at[i])
				}
			}
		},
		step: func() {
			// where x > best or x is a NaN: best, at = x, pos
			var pos reg.VecVirtual
			if positions {
				pos = v.broadcast(w.pos)
			}
			for i := range best {
				x := v.load(w.srcAt(i), nil)
				if v.wide {
					k, nan := K(), K()
					VCMPPS(greater, best[i], x, k)
					VCMPPS(unordered, x, x, nan)
					KORW(k, nan, k)
					VMOVAPS(x, k, best[i])
					if positions {
						VMOVAPS(pos, k, at[i])
					}
					continue
				}
				m, nan := v.vec(), v.vec()
				VCMPPS(greater, best[i], x, m)
				VCMPPS(unordered, x, x, nan)
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
				zero, nowhere := v.zero(), v.nowhere()
				for i := range at {
					if v.wide {
						k := K()
						VCMPPS(notGreater, zero, best[i], k)
						VMOVAPS(nowhere, k, at[i])
						continue
					}
					m := v.vec()
					VCMPPS(notGreater, zero, best[i], m)
					VBLENDVPS(m, nowhere, at[i], at[i])
				}
			}
			v.storeBytes(w, at)
		},
	}
}

// storeBytes stores the integers in at as bytes to winArg.
func (v *isa) storeBytes(w *window, at []reg.VecVirtual) {
	bytes := GP64()
	MOVQ(Mem{Base: w.args, Disp: winArg}, bytes)
	for i := range at {
		to := Mem{Base: bytes, Index: w.out.Index, Scale: 1, Disp: i * v.lanes()}
		if v.wide {
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

// normWindow: best = max over the window and 0 of x*scale+shift; top = that x;
// at = its position, 255 for the 0. scale and shift are more[0] and more[1],
// top goes to more[2].
func (v *isa) normWindow(w *window) windowBody {
	best, top, at := v.vecs(w.n), v.vecs(w.n), v.vecs(w.n)
	var scale, shift []reg.VecVirtual
	return windowBody{
		start: func() {
			m := w.more(0)
			scale = each(w.n, func(i int) reg.VecVirtual { return v.load(m(i), nil) })
			m = w.more(1)
			shift = each(w.n, func(i int) reg.VecVirtual { return v.load(m(i), nil) })
			first := v.nowhere()
			for i := range best {
				v.clear(best[i])
				v.clear(top[i])
				VMOVAPS(first, at[i])
			}
		},
		step: func() {
			pos := v.broadcast(w.pos)
			for i := range best {
				x, y := v.load(w.srcAt(i), nil), v.vec()
				VMOVAPS(x, y)
				VFMADD213PS(shift[i], scale[i], y)
				if v.wide {
					k, nan := K(), K()
					VCMPPS(greater, best[i], y, k)
					VCMPPS(unordered, y, y, nan)
					KORW(k, nan, k)
					VMOVAPS(y, k, best[i])
					VMOVAPS(x, k, top[i])
					VMOVAPS(pos, k, at[i])
					continue
				}
				m, nan := v.vec(), v.vec()
				VCMPPS(greater, best[i], y, m)
				VCMPPS(unordered, y, y, nan)
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
			v.storeBytes(w, at)
		},
	}
}

// gatherWindow: g = sum over the window of dy where arg = pos; out = g, or with
// norm, a*g + (b*(x-mean) + d), x, mean, a, b, d being more[0] to more[4].
func (v *isa) gatherWindow(w *window, norm, past bool) windowBody {
	sum := v.vecs(w.n)
	return windowBody{
		start: func() {
			for _, s := range sum {
				v.clear(s)
			}
		},
		step: func() {
			pos := v.broadcast(w.pos)
			for i := range sum {
				a := v.vec()
				VPMOVZXBD(w.argAt(i), a)
				if v.wide {
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
					x := v.load(xs(i), nil)
					VSUBPS(mean(i), x, x)
					f := v.load(b(i), nil)
					VFMADD213PS(d(i), f, x)
					VFMADD132PS(a(i), x, sum[i])
				}
			}
			w.store(sum, past)
		},
	}
}
