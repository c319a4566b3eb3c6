package page

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/interpret"
)

// How many pictures of one kind a page wants at most.
const (
	perPair  = 6  // mistakes of a pair side by side
	perClass = 3  // right ones of each class beside them
	perCell  = 12 // of a cell of the matrix
	perRight = 6  // of a cell on its diagonal
)

// wish is a list of rows, each once.
type wish struct {
	rows  []int
	taken map[int]bool
}

func (w *wish) take(row int) {
	if w.taken == nil {
		w.taken = map[int]bool{}
	}
	if !w.taken[row] {
		w.taken[row] = true
		w.rows = append(w.rows, row)
	}
}

// wanted lists rows of the table whose pictures the page should have, the most
// wanted first: the strangest; mistakes of the pairs confused most with right examples of both
// classes; then of every cell one mistake, the one with the largest loss, and
// two right examples, the least and the most sure; then more of each in turn.
func wanted(t *interpret.Table, pairs []interpret.Confused, strangest []interpret.StrangeRow) []int {
	cells := map[[2]int][]int{} // by actual and predicted class; largest loss first
	var keys [][2]int
	for _, e := range t.TopLosses(0) {
		k := [2]int{e.Actual, e.Predicted}
		if cells[k] == nil {
			keys = append(keys, k)
		}
		cells[k] = append(cells[k], e.Index)
	}
	var w wish
	take := func(rows []int) {
		for _, r := range rows {
			w.take(r)
		}
	}
	for _, r := range strangest {
		take([]int{r.Index})
	}
	for _, p := range pairs {
		take(first(cells[[2]int{p.ActualIndex, p.PredictedIndex}], perPair))
		for _, c := range []int{p.ActualIndex, p.PredictedIndex} {
			take(surest(cells[[2]int{c, c}], perClass))
		}
	}
	turn := func(n int, right bool) {
		for _, k := range keys {
			rows := cells[k]
			if right != (k[0] == k[1]) || n >= len(rows) {
				continue
			}
			i := n
			if right { // from both ends: least sure, surest, …
				if i = n / 2; n%2 == 1 {
					i = len(rows) - 1 - i
				}
			}
			take(rows[i : i+1])
		}
	}
	turn(0, false)
	turn(0, true)
	turn(1, true)
	for n := 1; n < perCell; n++ {
		turn(n, false)
	}
	for n := 2; n < perRight; n++ {
		turn(n, true)
	}
	return w.rows
}

func first(rows []int, n int) []int { return rows[:min(n, len(rows))] }

// surest returns the last n of rows, surest first.
func surest(rows []int, n int) []int {
	out := slices.Clone(rows[max(0, len(rows)-n):])
	slices.Reverse(out)
	return out
}

// readPictures reads the pictures of the rows want, the most wanted first, a block at a time, until the page has
// as many or as many bytes as it may.
func (b *builder) readPictures(ctx context.Context, want []int) error {
	const block = 64
	want = first(want, b.o.MaxPictures)
	bytes := 0
	for lo := 0; lo < len(want); lo += block {
		part := want[lo:min(lo+block, len(want))]
		encoded := make([]string, len(part))
		parallel.For(len(part), func(i int) {
			if ctx.Err() != nil {
				return
			}
			if img, err := b.in.Open(b.in.Table.Rows[part[i]].Path); err == nil {
				encoded[i] = thumbnail(img, b.o.Thumb, 78)
			}
		})
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("page: reading pictures: %w", context.Cause(ctx))
		}
		for i, e := range encoded {
			if e == "" {
				b.missing++
				continue
			}
			if bytes += len(e); bytes > b.o.MaxBytes {
				return nil
			}
			b.picture[part[i]] = len(b.data.Pictures)
			b.data.Pictures = append(b.data.Pictures, e)
		}
	}
	return nil
}

// thumbnail returns img as a JPEG in base64, made smaller when its longer side
// is above side pixels; "" for an empty picture.
func thumbnail(img image.Image, side, quality int) string {
	r := img.Bounds()
	if r.Empty() {
		return ""
	}
	w, h := r.Dx(), r.Dy()
	if m := max(w, h); m > side {
		w, h = max(1, w*side/m), max(1, h*side/m)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(small, small.Rect, img, r, draw.Over, nil)
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, small, &jpeg.Options{Quality: quality}); err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(buf.Bytes())
}
