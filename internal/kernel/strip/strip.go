// Package strip copies some channels of rows of a map, and the padding around them, to where they lie one pixel
// after another: then a row of a window of a convolution is contiguous.
package strip

import (
	"github.com/whippet-ml/whippet/internal/kernel/gemm"
	"github.com/whippet-ml/whippet/internal/kernel/ground"
)

// Strip is a copy of some channels of rows of a map, zeros where they reach
// beyond it: [rows, cols, width].
type Strip struct {
	Data        []float32
	Cols, Width int
}

// New returns a strip in scratch memory, of any content, with room behind it for the reads
// of kernels: slack floats, which are 0.
func New(rows, cols, width, slack int) Strip {
	s := Strip{ground.GetScratch(rows*cols*width + slack), cols, width}
	clear(s.Data[rows*cols*width:])
	return s
}

// Free gives the memory back.
func (s *Strip) Free() { ground.PutScratch(s.Data) }

// Map is the channels of one picture's map X [H,W,C] from channel At on.
type Map struct {
	X           []float32
	H, W, C, At int
}

// Fill copies n rows of the map and cols columns, which lie step apart, from row top
// and column left on, which may be negative.
func (s *Strip) Fill(m Map, top, left, step, n, cols int) {
	lo := min(cols, max(0, ground.CeilDiv(-min(left, 0), step))) // columns [lo,hi) are inside
	hi := lo
	if left < m.W {
		hi = max(lo, min(cols, ground.CeilDiv(m.W-left, step)))
	}
	for i := range n {
		row := s.Data[i*s.Cols*s.Width:][:s.Cols*s.Width]
		y := top + i*step
		if y < 0 || y >= m.H || lo == hi {
			clear(row)
			continue
		}
		clear(row[:lo*s.Width])
		copyRuns(row[lo*s.Width:hi*s.Width], m.X[(y*m.W+left+lo*step)*m.C+m.At:], hi-lo, s.Width, step*m.C)
		clear(row[hi*s.Width:])
	}
}

// copyRuns copies n runs of width floats that lie step apart to dst, one after another.
func copyRuns(dst, src []float32, n, width, step int) {
	switch {
	case width == step:
		copy(dst, src[:n*width])
	case width%gemm.KBlock == 0:
		gemm.CopyBlocks(&gemm.BlockCopy{
			Dst: &dst[0], Src: &src[0], Rows: n, Blocks: width / gemm.KBlock,
			DstRow: width * 4, DstBlock: gemm.KBlock * 4, SrcRow: step * 4,
		})
	case width == 4:
		for i := range n {
			*(*[4]float32)(dst[i*4:]) = *(*[4]float32)(src[i*step:])
		}
	case width == 8:
		for i := range n {
			d, s := (*[8]float32)(dst[i*8:]), (*[8]float32)(src[i*step:])
			copy16(d[:4], s[:4])
			copy16(d[4:], s[4:])
		}
	case width == 24:
		for i := range n {
			d, s := (*[24]float32)(dst[i*24:]), (*[24]float32)(src[i*step:])
			copy16(d[:4], s[:4])
			copy16(d[4:8], s[4:8])
			copy16(d[8:12], s[8:12])
			copy16(d[12:16], s[12:16])
			copy16(d[16:20], s[16:20])
			copy16(d[20:], s[20:])
		}
	case width%4 == 0:
		for i := range n {
			d, s := dst[i*width:][:width], src[i*step:][:width]
			for k := 0; k < width; k += 4 {
				copy16(d[k:], s[k:])
			}
		}
	default:
		for i := range n {
			copy(dst[i*width:][:width], src[i*step:])
		}
	}
}

// copy16 copies 4 floats, 16 bytes: as many as the compiler moves without a call.
func copy16(dst, src []float32) { *(*[4]float32)(dst) = *(*[4]float32)(src) }
