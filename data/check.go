package data

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// check is what is known of an item's picture before training; the size is 0
// where it is not known.
type check struct {
	item          Item
	width, height int
	err           error
}

// each runs body for 0 to n-1 on workers goroutines and returns ctx's error
// when it ended early. Unlike package parallel's loops it is for waiting on
// files, and it can be canceled.
func each(ctx context.Context, workers, n int, body func(i int)) error {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				body(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// checkAll reads the headers of all items, or opens them.
func checkAll(ctx context.Context, src Source, items []Item, decode bool, workers int, done func()) ([]check, error) {
	out := make([]check, len(items))
	ch, _ := src.(Checker)
	err := each(ctx, workers, len(items), func(i int) {
		c := &out[i]
		c.item = items[i]
		defer func() {
			if r := recover(); r != nil {
				c.err = fmt.Errorf("panic: %v", r)
			}
			if done != nil {
				done()
			}
		}()
		if decode {
			var img *Image
			if img, c.err = src.Open(items[i]); c.err == nil {
				c.width, c.height = img.Width, img.Height
				img.Free()
			}
		} else if ch != nil {
			c.width, c.height, c.err = ch.Check(items[i])
		}
	})
	return out, err
}

// checkItems looks at the files as far as the Block asks for and returns the numbers of
// the items to use, and what is known of them; nil when nothing was looked at.
// Damaged ones are an error, or left out and noted in d.
func (b Block) checkItems(ctx context.Context, root string, items []Item, d *DataLoaders) ([]int, []check, error) {
	if b.Check == CheckNone || len(items) == 0 {
		return nil, nil, nil
	}
	all, err := checkAll(ctx, b.Items, items, b.Check == CheckDecode, b.Workers, nil)
	if err != nil {
		return nil, nil, err
	}
	keep, good := []int{}, []check{}
	var bad []Item
	var first error
	for i, c := range all {
		if c.err == nil {
			keep, good = append(keep, i), append(good, c)
			continue
		}
		if first == nil {
			first = c.err
		}
		bad = append(bad, items[i])
		d.Skipped = append(d.Skipped, &ItemError{Path: items[i].Path, Err: c.err})
	}
	if len(bad) > 0 && b.Damaged != SkipDamaged {
		d.Skipped = nil
		return nil, nil, mistakef(ErrDamaged, "%s cannot be opened: %s; the first: %v; repair or remove such files, or leave them out with SkipDamaged",
			plural(len(bad), "picture"), names(root, bad), first)
	}
	return keep, good, nil
}

// sameSize runs the item transforms on the pictures most likely to come out
// of different sizes (the widest, tallest, smallest and largest, by their
// headers, or the first few where sizes are not known) in both forms, and
// refuses those that do not make one size of all.
func (d *DataLoaders) sameSize(train, valid []check) error {
	if d.Block.Check == CheckNone {
		return nil
	}
	for _, set := range []struct {
		l      *Loader
		checks []check
	}{{d.Train, train}, {d.Valid, valid}} {
		var first *Image
		var firstAt int
		for _, i := range extremes(set.checks) {
			img, err := set.l.picture(0, i, 0)
			if err != nil {
				if d.Block.Damaged == SkipDamaged {
					continue // the loader will count it
				}
				return mistakef(ErrDamaged, "%v; repair or remove the file, or leave such files out with SkipDamaged", err)
			}
			if first == nil {
				first, firstAt = img, i
				continue
			}
			if img.Width != first.Width || img.Height != first.Height {
				return set.l.sizesError(firstAt, first, i, img)
			}
			img.Free()
		}
		first.Free()
	}
	return nil
}

// extremes are the indices of the checks that bound all sizes, each once.
func extremes(checks []check) []int {
	var out []int
	add := func(i int) {
		for _, k := range out {
			if k == i {
				return
			}
		}
		out = append(out, i)
	}
	known := false
	for _, measure := range []func(c check) float64{
		func(c check) float64 { return float64(c.width) },
		func(c check) float64 { return float64(c.height) },
		func(c check) float64 { return float64(c.width) / float64(max(1, c.height)) },
	} {
		least, most := 0, 0
		for i, c := range checks {
			known = known || c.width > 0
			if measure(c) < measure(checks[least]) {
				least = i
			}
			if measure(c) > measure(checks[most]) {
				most = i
			}
		}
		if len(checks) > 0 {
			add(least)
			add(most)
		}
	}
	if !known {
		for i := 0; i < len(checks) && i < 4; i++ {
			add(i)
		}
	}
	return out
}

// Verify opens every item and reports those that cannot be opened, in the
// items' order; it changes nothing. progress, when not nil, is called now and
// then with how many are done, from one goroutine at a time. workers 0 is
// GOMAXPROCS. The error is only ctx's.
func Verify(ctx context.Context, src Source, items []Item, workers int, progress func(done, total int)) ([]*ItemError, error) {
	var mu sync.Mutex
	n := 0
	all, err := checkAll(ctx, src, items, true, workers, func() {
		mu.Lock()
		defer mu.Unlock()
		n++
		if progress != nil && (n%64 == 0 || n == len(items)) {
			progress(n, len(items))
		}
	})
	if err != nil {
		return nil, err
	}
	var out []*ItemError
	for _, c := range all {
		if c.err != nil {
			out = append(out, &ItemError{Path: c.item.Path, Err: c.err})
		}
	}
	return out, nil
}
