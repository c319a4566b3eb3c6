package depthwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/elementwise"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Mean averages x [N,H,W,C] over the windows of a Conv: y [N,OH,OW,C]. Padding does
// not count, as in torch.nn.AvgPool2d with count_include_pad=False; a window that lies
// in it wholly has 0. It is the convolution whose weights are all the same, with the
// results of windows at the edges made larger.
type Mean Conv

// Forward computes y. It panics when a length does not fit.
func (m Mean) Forward(x, y []float32) {
	w := m.weights()
	defer ground.PutScratch(w)
	Conv(m).Forward(x, w, nil, y, elementwise.Identity)
	m.scaleEdges(y)
}

// Backward computes dx, the gradient of x, from dy. dx is overwritten. It panics when
// a length does not fit.
func (m Mean) Backward(dy, dx []float32) {
	w := m.weights()
	defer ground.PutScratch(w)
	if m.hasEdges() {
		scaled := ground.GetScratch(len(dy))
		defer ground.PutScratch(scaled)
		copy(scaled, dy)
		m.scaleEdges(scaled)
		dy = scaled
	}
	Conv(m).BackwardData(dy, w, dx)
}

// weights returns the weights in scratch memory.
func (m *Mean) weights() []float32 {
	w := ground.GetScratch(m.KH * m.KW * m.C)
	for i := range w {
		w[i] = 1 / float32(m.KH*m.KW)
	}
	return w
}

// hasEdges reports whether windows reach into the padding.
func (m *Mean) hasEdges() bool {
	p := m.Pad
	return max(p.Top, p.Bottom, p.Left, p.Right) > 0
}

// scaleEdges multiplies the results of windows that reach into the padding by what part
// of them is inside.
func (m *Mean) scaleEdges(y []float32) {
	if !m.hasEdges() {
		return
	}
	oh, ow := Conv(*m).Out()
	for row := range m.N * oh {
		rows := inside(row%oh*m.Stride-m.Pad.Top, m.KH, m.H)
		for col := range ow {
			n := rows * inside(col*m.Stride-m.Pad.Left, m.KW, m.W)
			if n == 0 || n == m.KH*m.KW {
				continue
			}
			f := float32(m.KH*m.KW) / float32(n)
			for i, v := range y[(row*ow+col)*m.C:][:m.C] {
				y[(row*ow+col)*m.C+i] = v * f
			}
		}
	}
}

// inside is how many of the k positions from first on are in [0,size).
func inside(first, k, size int) int { return max(0, min(first+k, size)-max(first, 0)) }
