package data_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/vision"
)

// paint writes n pictures of each class, of various sizes, every third a PNG
// whatever its name says.
func paint(t *testing.T, n int, classes ...string) string {
	t.Helper()
	root := t.TempDir()
	for c, class := range classes {
		for i := range n {
			img := image.NewRGBA(image.Rect(0, 0, 60+(7*i)%31, 50+(11*i)%23))
			for p := range img.Pix {
				img.Pix[p] = uint8(p*(c+3)/5 + i*17)
			}
			img.Set(i, i, color.Black)
			var b bytes.Buffer
			err := jpeg.Encode(&b, img, nil)
			if i%3 == 0 {
				b.Reset()
				err = png.Encode(&b, img)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(root, fmt.Sprintf("%s_%d.jpg", class, i)), b.Bytes(), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// TestWholeBlockIsTheSameForAnyThreads runs the Pets program on small drawn
// pictures: two epochs and the validation set have the same bits for any number
// of workers and threads.
func TestWholeBlockIsTheSameForAnyThreads(t *testing.T) {
	root := paint(t, 20, "pug", "Bengal")
	digest := func(workers, threads int) string {
		defer parallel.SetThreads(parallel.SetThreads(threads))
		block := data.Block{
			Items:           vision.ImageFiles,
			Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
			Split:           data.RandomSplit(0.2, 42),
			ItemTransforms:  vision.Resize(46),
			BatchTransforms: vision.AugTransforms{Size: 22, MinScale: 0.75},
			BatchSize:       8, Workers: workers, Seed: 5,
		}
		dls, err := block.DataLoaders(context.Background(), root)
		if err != nil {
			t.Fatal(err)
		}
		defer dls.Close()
		h := sha256.New()
		for _, e := range []struct {
			l     *data.Loader
			epoch int
		}{{dls.Train, 0}, {dls.Train, 1}, {dls.Valid, 0}} {
			it := e.l.Epoch(context.Background(), e.epoch, 0)
			for {
				b, err := it.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprint(b.X.Shape); got != "[8 22 22 3]" {
					t.Fatalf("a batch has the shape %s, want [8 22 22 3]", got)
				}
				_ = binary.Write(h, binary.LittleEndian, b.X.Data)
				fmt.Fprint(h, b.Y.Class, b.Index, b.Number)
				b.Release()
			}
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	want := digest(1, 1)
	for _, c := range []struct{ workers, threads int }{{0, 0}, {3, 1}, {1, 3}, {5, 4}} {
		if got := digest(c.workers, c.threads); got != want {
			t.Errorf("%d workers and %d threads give other batches than one of each", c.workers, c.threads)
		}
	}
}
