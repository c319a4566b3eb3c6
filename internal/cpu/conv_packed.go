package cpu

import (
	"fmt"
	"sync"

	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/mem"
)

// PackedConv is a convolution prepared for inference: its weights are packed
// once, in the layout of the instruction set in use, and may be used by any
// number of goroutines at once. A linear layer is a 1x1 convolution over 1x1
// maps.
//
// A 3x3 layer may be computed in the Winograd domain or as the direct sum,
// whichever suits the batch and the map. Both work from the panels of the direct
// sum; what small layers keep for Winograd besides is made when it is first
// needed.
type PackedConv struct {
	c     Conv // N, H, W unused
	set   *isa.Set
	bp    []float32 // the panels of the direct sum
	bias  []float32 // filled up to whole panels, or nil
	alloc func(n int) []float32

	winograd struct {
		sync.Once
		p *winoPacked
	}
}

// PackConv packs w [KH,KW,C,K] and bias [K], which may be nil; both are copied.
// c.N, c.H and c.W are ignored. It panics when a length does not fit the shape.
func PackConv(c Conv, w, bias []float32) *PackedConv { return PackConvIn(mem.Floats, c, w, bias) }

// PackConvIn is PackConv with memory from alloc, which returns n floats of any
// content on a 64-byte boundary. It is called now and once more when Forward may
// need another form, from any goroutine.
func PackConvIn(alloc func(n int) []float32, c Conv, w, bias []float32) *PackedConv {
	need("PackConv", "w", len(w), c.KH*c.KW*c.C*c.K)
	p := &PackedConv{c: c, set: isa.Active(), alloc: alloc}
	if bias != nil {
		need("PackConv", "bias", len(bias), c.K)
		p.bias = alloc(roundUp(c.K, winoCols()))
		clear(p.bias[copy(p.bias, bias):])
	}
	g := forwardIGEMM(Conv{N: 1, H: c.KH, W: c.KW, C: c.C, K: c.K, KH: c.KH, KW: c.KW, Stride: 1}, nil, nil, 0)
	p.bp = alloc(packedBLen(g.kBlocks()*kBlock, c.K))
	packForward(p.bp, c, w)
	return p
}

// packWinograd returns the Winograd form.
func (p *PackedConv) packWinograd() *winoPacked {
	p.winograd.Do(func() { p.winograd.p = packWinograd(p.alloc, p.c, p.bp, p.bias) })
	return p.winograd.p
}

// Bytes returns the memory that the packed weights take, in the forms that have
// been needed so far. It must not be called while Forward may pack another.
func (p *PackedConv) Bytes() int {
	n := len(p.bp) + len(p.bias)
	if p.winograd.p != nil {
		n += len(p.winograd.p.u)
	}
	return n * 4
}

// Forward computes y [n,OH,OW,K] = conv(x [n,h,w,C]) + bias, the bias that was
// packed, with epilogue e, whose own Bias must be nil. Forward panics when a
// length does not fit, or when another instruction set is in use than at
// PackConv.
func (p *PackedConv) Forward(n, h, w int, x, y []float32, e Epilogue) {
	const op = "PackedConv.Forward"
	c := p.c
	c.N, c.H, c.W = n, h, w
	c.mustCheck(op)
	oh, ow := c.Out()
	need(op, "x", len(x), n*h*w*c.C)
	if e.Bias != nil {
		panic("cpu." + op + ": the bias is packed with the weights; leave Epilogue.Bias nil")
	}
	stride, relu := e.stride(op, n*oh*ow, c.K, y), e.relu(op)
	if p.set != isa.Active() {
		panic(fmt.Sprintf("cpu.%s: weights were packed for %s, but %s is in use; pack them again", op, p.set, isa.Active()))
	}
	if winogradWins(c, passForward) {
		p.packWinograd().forward(n, h, w, x, e.Residual, relu, y, stride)
		return
	}
	g := forwardIGEMM(c, x, y, stride)
	g.run(p.bp, &epilogue{bias: p.bias, residual: e.Residual, relu: relu})
}
