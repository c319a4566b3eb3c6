package watch

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/tensor"
	"github.com/whippet-ml/whippet/train"
	"github.com/whippet-ml/whippet/vision"
)

const (
	maxPictures = 8   // of a batch
	maxCell     = 224 // longest side of a picture on the page, in pixels
)

// pictures is the way of some pictures from the training goroutine to a JPEG.
// While busy, x belongs to the drawing goroutine.
type pictures struct {
	busy atomic.Bool
	wait sync.WaitGroup
	next time.Time // only the training goroutine looks at it
	x    tensor.Tensor
}

// batchInfo describes the newest pictures: a grid of cells in one JPEG, row
// after row.
type batchInfo struct {
	N       int      `json:"n"` // number of the grid, 0 for none
	Step    int      `json:"step"`
	Columns int      `json:"columns"`
	Rows    int      `json:"rows"`
	Width   int      `json:"width"` // of a cell, in pixels
	Height  int      `json:"height"`
	Labels  []string `json:"labels"`
}

// takePictures copies the first pictures of the batch when new ones are due.
// Without viewers only the first batch is taken, so that whoever comes later
// finds something.
func (w *Watcher) takePictures(l *train.Learner, now time.Time) {
	b := l.Batch
	if b == nil || b.X == nil || len(b.X.Shape) != 4 || b.X.Shape[0] == 0 || b.X.Shape[3] != 3 {
		return
	}
	if now.Before(w.pics.next) || !w.pics.next.IsZero() && w.viewers.Load() == 0 {
		return
	}
	if !w.pics.busy.CompareAndSwap(false, true) {
		return
	}
	w.pics.next = now.Add(w.o.PicturesEvery)
	n := min(b.X.Shape[0], maxPictures)
	size := n * b.X.Shape[1] * b.X.Shape[2] * 3
	w.pics.x.Shape = append(w.pics.x.Shape[:0], n, b.X.Shape[1], b.X.Shape[2], 3)
	w.pics.x.Data = append(w.pics.x.Data[:0], b.X.Data[:size]...)
	labels := make([]string, n)
	for i := range min(n, b.Y.Len()) {
		labels[i] = strings.Join(l.DLs.Task().Labels(l.DLs.Vocab, b.Y, i), ", ")
	}
	step := l.Step
	w.pics.wait.Go(func() {
		defer w.pics.busy.Store(false)
		begin := time.Now()
		info, file, err := drawGrid(&w.pics.x, w.o.Stats)
		if err != nil {
			return // a page without pictures is no reason to disturb training
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		info.N, info.Step, info.Labels = w.batch.N+1, step, labels
		w.batch, w.jpeg = info, file
		w.drawing += time.Since(begin)
		w.version++
	})
}

// drawGrid puts pictures x [N,H,W,3] into one JPEG. Large ones are made smaller
// by leaving out pixels.
func drawGrid(x *tensor.Tensor, s preprocess.Stats) (batchInfo, []byte, error) {
	n, h, w := x.Shape[0], x.Shape[1], x.Shape[2]
	k := max(1, (max(h, w)+maxCell-1)/maxCell)
	info := batchInfo{Columns: min(n, 4), Width: (w + k - 1) / k, Height: (h + k - 1) / k}
	info.Rows = (n + info.Columns - 1) / info.Columns
	grid := image.NewRGBA(image.Rect(0, 0, info.Columns*info.Width, info.Rows*info.Height))
	for i := range n {
		m, err := vision.Denormalize(x, i, s)
		if err != nil {
			return info, nil, err
		}
		x0, y0 := i%info.Columns*info.Width, i/info.Columns*info.Height
		for y := range info.Height {
			d := grid.Pix[grid.PixOffset(x0, y0+y):]
			row := m.Pix[y*k*w*3:]
			for c := range info.Width {
				p := row[c*k*3:]
				d[4*c], d[4*c+1], d[4*c+2], d[4*c+3] = p[0], p[1], p[2], 255
			}
		}
		m.Free()
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, grid, &jpeg.Options{Quality: 82})
	return info, out.Bytes(), err
}
