package vision_test

import (
	"context"
	"errors"
	"hash/crc64"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/parallel"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
	"github.com/whippet-ml/whippet/vision"
)

// drawnSet writes a few pictures of different shapes, named as in Oxford Pets.
func drawnSet(t *testing.T) string {
	dir := t.TempDir()
	for i := range 24 {
		m := image.NewRGBA(image.Rect(0, 0, 60+3*i, 90-2*i))
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				m.Set(x, y, color.RGBA{uint8(x * i), uint8(y * 5), uint8(x ^ y), 255})
			}
		}
		name := []string{"red_cat_", "blue_dog_"}[i%2] + string(rune('a'+i)) + "_1.jpg"
		f, err := os.Create(filepath.Join(dir, name)) // a PNG called .jpg
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return dir
}

func block() data.Block {
	return data.Block{
		Items:           vision.ImageFiles,
		Label:           data.RegexLabel(`^(\w+?)_\w+_1.jpg$`),
		Split:           data.RandomSplit(0.2, 42),
		ItemTransforms:  vision.Resize(48),
		BatchTransforms: vision.AugTransforms{Size: 32, MinScale: 0.75},
		BatchSize:       8,
		Seed:            7,
	}
}

// TestBatchesDoNotDependOnThreads makes the batches of an epoch with different
// numbers of threads and workers: they are the same to the bit.
func TestBatchesDoNotDependOnThreads(t *testing.T) {
	dir := drawnSet(t)
	sums := map[uint64][]int{}
	for _, n := range []int{1, 2, 4} {
		old := parallel.SetThreads(n)
		b := block()
		b.Workers = n
		sum := epochSum(t, b, dir)
		parallel.SetThreads(old)
		sums[sum] = append(sums[sum], n)
	}
	if len(sums) != 1 {
		t.Errorf("batches differ with the number of threads: %v", sums)
	}
	b := block()
	b.Seed = 8
	if sum := epochSum(t, b, dir); sums[sum] != nil {
		t.Error("another seed gave the same batches")
	}
}

// epochSum is a checksum over the training batches of one epoch.
func epochSum(t *testing.T, b data.Block, dir string) uint64 {
	t.Helper()
	ctx := context.Background()
	dls, err := b.DataLoaders(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	it := dls.Train.Epoch(ctx, 0, 0)
	defer it.Close()
	h := crc64.New(crc64.MakeTable(crc64.ECMA))
	n := 0
	for {
		batch, err := it.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range batch.X.Data {
			u := math.Float32bits(v)
			h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24)})
		}
		n++
		batch.Release()
	}
	if n == 0 {
		t.Fatal("no batches")
	}
	return h.Sum64()
}

// BenchmarkPipeline reads, decodes, resizes and augments the three-breed Pets
// as training does.
func BenchmarkPipeline(b *testing.B) {
	ctx := context.Background()
	b.Setenv("WHIPPET_HOME", b.TempDir())
	root, err := datasets.Untar(ctx, golden.Path(b, "data", "oxford-iiit-pet-3.tgz"))
	if err != nil {
		b.Fatal(err)
	}
	bl := data.Block{
		Items:           vision.ImageFiles,
		Label:           data.RegexLabel(`(.+)_\d+.jpg$`),
		Split:           data.RandomSplit(0.2, 42),
		ItemTransforms:  vision.Resize(460),
		BatchTransforms: vision.AugTransforms{Size: 224, MinScale: 0.75},
		BatchSize:       32,
	}
	dls, err := bl.DataLoaders(ctx, root)
	if err != nil {
		b.Fatal(err)
	}
	n, epoch := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		it := dls.Train.Epoch(ctx, epoch, 0)
		for {
			batch, err := it.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n += batch.Y.Len()
			batch.Release()
		}
		it.Close()
		epoch++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
}
