package conv

import (
	"fmt"
	"sync"

	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/kernel/isa"
	"github.com/whippet-ml/whippet/internal/kernel/winograd"
)

// Packed is a convolution prepared for inference: its weights are packed
// once, in the layout of the instruction set in use, and may be used by any
// number of goroutines at once. A linear layer is a 1x1 convolution over 1x1
// maps.
//
// A 3x3 layer may be computed in the Winograd domain or as the direct sum,
// whichever suits the batch and the map. Both work from the panels of the direct
// sum; what small layers keep for Winograd besides is made when it is first
// needed.
type Packed struct {
	c     Conv // N, H, W unused
	set   *isa.Set
	bp    []float32 // the panels of the direct sum
	bias  []float32 // filled up to whole panels, or nil
	alloc func(n int) []float32

	winograd struct {
		sync.Once
		p *winograd.Packed
	}
}

// Pack packs w [KH,KW,C,K] and bias [K], which may be nil; both are copied.
// c.N, c.H and c.W are ignored. It panics when a length does not fit the shape.
// The memory comes from alloc, which returns n floats of any content on a 64-byte
// boundary, as mem.Floats does; it is called now and once more when Forward may
// need another form, from any goroutine.
func Pack(alloc func(n int) []float32, c Conv, w, bias []float32) *Packed {
	ground.Need("conv.Pack", "w", len(w), c.KH*c.KW*c.C*c.K)
	p := &Packed{c: c, set: isa.Active(), alloc: alloc}
	if bias != nil {
		ground.Need("conv.Pack", "bias", len(bias), c.K)
		p.bias = alloc(ground.RoundUp(c.K, winograd.Cols()))
		clear(p.bias[copy(p.bias, bias):])
	}
	g := forwardIGEMM(Conv{N: 1, H: c.KH, W: c.KW, C: c.C, K: c.K, KH: c.KH, KW: c.KW, Stride: 1}, nil, nil, 0)
	p.bp = alloc(gemm.PackedBLen(g.kBlocks()*gemm.KBlock, c.K))
	packForward(p.bp, c, w)
	return p
}

// packWinograd returns the Winograd form.
func (p *Packed) packWinograd() *winograd.Packed {
	p.winograd.Do(func() { p.winograd.p = winograd.Pack(p.alloc, ground.ConvShape(p.c), p.bp, p.bias) })
	return p.winograd.p
}

// ByBatch reports whether the number of pictures may change the form of the sum, and with it a result's last
// bits.
func (p *Packed) ByBatch() bool { return winograd.MayWin(ground.ConvShape(p.c)) }

// Bytes returns the memory that the packed weights take, in the forms that have
// been needed so far. It must not be called while Forward may pack another.
func (p *Packed) Bytes() int {
	n := len(p.bp) + len(p.bias)
	if p.winograd.p != nil {
		n += p.winograd.p.Floats()
	}
	return n * 4
}

// Forward computes y [n,OH,OW,K] = conv(x [n,h,w,C]) + bias, the bias that was
// packed, with epilogue e, whose own Bias must be nil. Forward panics when a
// length does not fit, or when another instruction set is in use than at
// Pack.
func (p *Packed) Forward(n, h, w int, x, y []float32, e elementwise.Epilogue) {
	p.forward("conv.Packed.Forward", n, h, w, x, nil, y, e)
}

// ForwardScaled is Forward of x times factors [n,C], one for each channel of a picture, with the bits of
// two operations. It is for 1×1 convolutions at stride 1 and panics for others.
func (p *Packed) ForwardScaled(n, h, w int, x, factors, y []float32, e elementwise.Epilogue) {
	const op = "conv.Packed.ForwardScaled"
	if !p.c.pointwise() || p.c.Stride != 1 {
		panic(fmt.Sprintf("%s: a convolution by %dx%d at stride %d is not one of single pixels", op, p.c.KH, p.c.KW, p.c.Stride))
	}
	ground.Need(op, "factors", len(factors), n*p.c.C)
	p.forward(op, n, h, w, x, factors, y, e)
}

func (p *Packed) forward(op string, n, h, w int, x, factors, y []float32, e elementwise.Epilogue) {
	c := p.c
	c.N, c.H, c.W = n, h, w
	c.mustCheck(op)
	oh, ow := c.Out()
	ground.Need(op, "x", len(x), n*h*w*c.C)
	if e.Bias != nil {
		panic(op + ": the bias is packed with the weights; leave Epilogue.Bias nil")
	}
	stride := e.Distance(op, n*oh*ow, c.K, y)
	relu, after := e.Split(op)
	p.mustBeActive(op)
	if winograd.Wins(ground.ConvShape(c), winograd.PassForward) {
		p.packWinograd().Forward(n, h, w, x, winograd.Epilogue{Y: y, YStride: stride, Residual: e.Residual, ReLU: relu, After: after})
		return
	}
	g := forwardIGEMM(c, x, y, stride)
	g.factors = factors
	g.run(p.bp, &epilogue{bias: p.bias, residual: e.Residual, relu: relu, after: after})
}

// mustBeActive panics unless the instruction set in use is the one at Pack.
func (p *Packed) mustBeActive(op string) {
	if p.set != isa.Active() {
		panic(fmt.Sprintf("%s: weights were packed for %s, but %s is in use; pack them again", op, p.set, isa.Active()))
	}
}
