package winograd

import (
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// winoFilters yields the transformed filters U = G g Gᵀ as packed panels.
type winoFilters struct {
	// w holds the filters [3,3,C,K] of the layer. With turned, they are used
	// as the data gradient uses them: turned by 180 degrees, and with K as
	// the source channels and C as the destination.
	w      []float32
	c, k   int // source and destination channels, after turning
	kc     int // source channels per chunk
	turned bool
	// bp holds the filters, in place of w, as the panels of the direct sum
	// (packForward): a panel is one piece of memory.
	bp []float32
	// u is the whole U, [K/NR][chunks][36][channels][NR], or nil when each
	// panel is transformed when it is needed.
	u []float32
}

// chunkSize returns the floats of a full chunk of a panel.
func (f *winoFilters) chunkSize() int { return winoPoints * f.stride(f.kc) }

// stride is the distance between consecutive xi of a chunk.
func (f *winoFilters) stride(channels int) int { return channels*Cols() + winoXiPad }

func (f *winoFilters) chunks() int { return (ground.RoundUp(f.c, 16) + f.kc - 1) / f.kc }

func (f *winoFilters) panels() int { return (f.k + Cols() - 1) / Cols() }

// size returns the floats of U.
func (f *winoFilters) size() int { return f.panels() * f.chunks() * f.chunkSize() }

// channels returns the padded channels of chunk i.
func (f *winoFilters) channels(i int) int { return min(f.kc, ground.RoundUp(f.c, 16)-i*f.kc) }

// pack computes the whole of U into u, in parallel.
func (f *winoFilters) pack(u []float32) {
	type args struct {
		f winoFilters
		u []float32
	}
	parallel.ForWith(f.panels()*f.chunks(), args{*f, u}, func(a *args, i int) {
		chunks, size := a.f.chunks(), a.f.chunkSize()
		a.f.transform(i/chunks, i%chunks, a.u[i*size:][:size])
	})
	f.u = u
}

// chunk returns chunk i of panel p, and the stride between its xi. It is
// computed into scratch (chunkSize floats) unless U is there already.
func (f *winoFilters) chunk(p, i int, scratch []float32) (u []float32, stride int) {
	stride = f.stride(f.channels(i))
	if f.u != nil {
		return f.u[(p*f.chunks()+i)*f.chunkSize():], stride
	}
	f.transform(p, i, scratch)
	return scratch, stride
}

// transform computes chunk i of panel p. Rows and columns that pad the chunk
// are zero.
func (f *winoFilters) transform(p, i int, u []float32) {
	nr := Cols()
	channels := f.channels(i)
	stride := f.stride(channels)
	c0, k0 := i*f.kc, p*nr
	cn, kn := min(channels, f.c-c0), min(nr, f.k-k0)

	src, step, tap := f.w, f.k, f.c*f.k
	switch {
	case f.bp != nil && gemm.TileCols() == nr:
		src, step, tap = f.panel(p)[c0*nr:], nr, f.tapRows()*nr
	case f.bp == nil && !f.turned && kn == nr:
		src = src[c0*f.k+k0:]
	default:
		s := ground.GetScratch(9 * channels * nr)
		defer ground.PutScratch(s)
		f.gather(s, c0, cn, k0, kn, channels)
		src, step, tap = s, nr, channels*nr
		cn = channels
	}
	for h := 0; h < nr; h += winoLanes {
		winoFilter(cn, src[h:], step, tap, u[h:], nr, stride)
	}
	for xi := 0; xi < winoPoints && cn < channels; xi++ {
		clear(u[xi*stride+cn*nr : xi*stride+channels*nr])
	}
}

// tapRows is the channels of a tap in bp, as igemm's layout fills them up.
func (f *winoFilters) tapRows() int {
	if gemm.UseFlat(f.c) {
		return f.c
	}
	return ground.RoundUp(f.c, gemm.KBlock)
}

// panel returns panel p of bp, of gemm.TileCols() columns.
func (f *winoFilters) panel(p int) []float32 {
	n := ground.RoundUp(9*f.tapRows(), gemm.KBlock) * gemm.TileCols()
	return f.bp[p*n:][:n]
}

// ahead queues the filters that chunk i of panel p is computed from, if there
// is such a panel.
func (f *winoFilters) ahead(a *winoAhead, p, i int) {
	if p >= f.panels() {
		return
	}
	if f.bp != nil {
		if nr := gemm.TileCols(); nr == Cols() {
			n := f.channels(i) * nr
			for tap := range 9 {
				a.addSpan(f.panel(p)[(tap*f.tapRows()+i*f.kc)*nr:][:n])
			}
		}
		return
	}
	k0 := p * Cols()
	kn := min(Cols(), f.k-k0)
	c0, cn := i*f.kc, min(f.channels(i), f.c-i*f.kc)
	for tap := range 9 {
		if f.turned {
			rows := f.w[(tap*f.k+k0)*f.c+c0:]
			a.add(rows[:(kn-1)*f.c+cn], cn, f.c)
			continue
		}
		rows := f.w[(tap*f.c+c0)*f.k+k0:]
		a.add(rows[:(cn-1)*f.k+kn], kn, f.k)
	}
}

// gather copies the filters of source channels c0..c0+cn and destination
// channels k0..k0+kn to s as [3,3,channels,NR], turned if need be, and zero
// elsewhere.
func (f *winoFilters) gather(s []float32, c0, cn, k0, kn, channels int) {
	nr := Cols()
	for tap := range 9 {
		d := s[tap*channels*nr:][:channels*nr]
		if cn < channels || kn < nr {
			clear(d)
		}
		if f.bp != nil {
			for j := 0; j < kn; j += gemm.TileCols() {
				rows := f.panel((k0 + j) / gemm.TileCols())[(tap*f.tapRows()+c0)*gemm.TileCols():]
				for c := range cn {
					copy(d[c*nr+j:][:min(gemm.TileCols(), kn-j)], rows[c*gemm.TileCols():])
				}
			}
			continue
		}
		if f.turned {
			// Here w is [3,3,f.k,f.c]: a row is one destination channel.
			transpose(d, nr, f.w[((8-tap)*f.k+k0)*f.c+c0:], f.c, kn, cn)
			continue
		}
		for c := range cn {
			copy(d[c*nr:][:kn], f.w[(tap*f.c+c0+c)*f.k+k0:])
		}
	}
}

// transpose writes dst[j*dstRow+i] = src[i*srcRow+j] for i < rows, j < cols.
func transpose(dst []float32, dstRow int, src []float32, srcRow, rows, cols int) {
	full := cols / winoLanes
	for i := 0; i < rows; i += winoLanes {
		if rows-i < winoLanes {
			transposeRest(dst[i:], dstRow, src[i*srcRow:], srcRow, rows-i, cols)
			return
		}
		winoTranspose(full, src[i*srcRow:], srcRow, dst[i:], dstRow)
		if j := full * winoLanes; j < cols {
			transposeRest(dst[j*dstRow+i:], dstRow, src[i*srcRow+j:], srcRow, winoLanes, cols-j)
		}
	}
}

// transposeRest is transpose for what is not whole blocks.
func transposeRest(dst []float32, dstRow int, src []float32, srcRow, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*srcRow:][:cols] {
			dst[j*dstRow+i] = v
		}
	}
}

// winoTransposeGo turns n blocks of 16x16, side by side in src and one below
// the other in dst: dst[(16*b+j)*dstRow+i] = src[i*srcRow+16*b+j].
func winoTransposeGo(n int, src []float32, srcRow int, dst []float32, dstRow int) {
	for b := range n {
		transposeRest(dst[b*winoLanes*dstRow:], dstRow, src[b*winoLanes:], srcRow, winoLanes, winoLanes)
	}
}
