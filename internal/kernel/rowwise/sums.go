package rowwise

import (
	"github.com/whippet-ml/whippet/internal/kernel/ground"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Sums adds up quantities per channel over the rows of [rows, c], in fixed
// pieces of rows.
type Sums struct {
	part       []float32 // scratch, [pieces][quantities][c]; nil without rows
	c, perPart int       // perPart: quantities*c
	size, n    int       // n pieces of size rows
}

// NewSums returns sums of so many quantities for [rows, c].
func NewSums(rows, c, quantities int) Sums {
	s := Sums{c: c, perPart: quantities * c}
	if rows > 0 && c > 0 {
		s.size = Chunk(rows, c)
		s.n = Pieces(rows, s.size)
		s.part = ground.GetScratch(s.n * s.perPart)
	}
	return s
}

// At returns the sums [quantities, c] of the piece that begins with row lo, zero
// at first.
func (s *Sums) At(lo int) []float32 {
	sums := s.part[lo/s.size*s.perPart:][:s.perPart]
	clear(sums)
	return sums
}

// Merge writes the total of each quantity to one of out [c], added up in float64
// in the order of the pieces, and ends the use of s.
func (s *Sums) Merge(out ...[]float32) {
	for q, o := range out {
		if s.part == nil {
			clear(o)
		} else {
			MergeSums(s.part[q*s.c:], s.n, s.perPart, o)
		}
	}
	if s.part != nil {
		ground.PutScratch(s.part)
	}
}

// MergeBlock is how many channels of partial results one piece of merging
// covers.
const MergeBlock = 64

// MergeSums computes out[ch] = sum over i < n of part[i*stride+ch], in float64
// and in the order of i.
func MergeSums(part []float32, n, stride int, out []float32) {
	type args struct {
		part, out []float32
		n, stride int
	}
	parallel.ChunksWith(len(out), MergeBlock, args{part, out, n, stride}, func(a *args, lo, hi int) {
		var acc [MergeBlock]float64
		for i := range a.n {
			for ch, v := range a.part[i*a.stride+lo : i*a.stride+hi] {
				acc[ch] += float64(v)
			}
		}
		for ch := range hi - lo {
			a.out[lo+ch] = float32(acc[ch])
		}
	})
}
