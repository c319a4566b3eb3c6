package clean

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/whippet-ml/whippet/data/copies"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Pair is a training picture and a validation picture that look alike.
type Pair struct {
	Train, Valid int // indices into the set
	copies.Match
}

// NearDuplicates opens every picture of the set and returns the pairs across
// training and validation that are copies of each other: scaled, recompressed,
// lightened, mirrored, turned by quarter turns, cropped to three quarters of a
// side or more, or several of these; the most alike first. Pictures that cannot
// be opened are passed over. progress, which may be nil, is told how many are
// done. The error is only ctx's.
func NearDuplicates(ctx context.Context, s *Set, limits copies.Limits, progress func(done int)) ([]Pair, error) {
	signatures, err := signatures(ctx, s, progress)
	if err != nil {
		return nil, err
	}
	var valid []int
	for i, p := range s.Pictures {
		if p.Valid && signatures[i] != nil {
			valid = append(valid, i)
		}
	}
	found := make([][]Pair, len(s.Pictures)) // by training picture
	parallel.Each(ctx, len(s.Pictures), func(i int) {
		if s.Pictures[i].Valid || signatures[i] == nil {
			return
		}
		for _, k := range valid {
			if m, ok := copies.Compare(signatures[i], signatures[k], limits); ok {
				found[i] = append(found[i], Pair{i, k, m})
			}
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	pairs := slices.Concat(found...)
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Bits, b.Bits), cmp.Compare(b.Copy.Alike, a.Copy.Alike), cmp.Compare(a.Color, b.Color))
	})
	return pairs, nil
}

// signatures opens the pictures; nil stands for one that cannot be opened.
func signatures(ctx context.Context, s *Set, progress func(done int)) ([]*copies.Signature, error) {
	out := make([]*copies.Signature, len(s.Pictures))
	var told sync.Mutex
	done := 0
	parallel.Each(ctx, len(s.Pictures), func(i int) {
		if m, err := s.Open(s.Pictures[i].Path); err == nil {
			out[i] = copies.SignatureOf(m, s.Pictures[i].Valid)
			m.Free()
		}
		told.Lock()
		defer told.Unlock()
		if done++; progress != nil {
			progress(done)
		}
	})
	return out, ctx.Err()
}
