package data

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/whippet-ml/whippet/internal/parallel"
)

// digest is a fingerprint of everything an epoch yields from a batch on.
func digest(t *testing.T, l *Loader, epoch, start int) (sum [32]byte, batches int) {
	t.Helper()
	h := sha256.New()
	it := l.Epoch(context.Background(), epoch, start)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range b.X.Data {
			_ = binary.Write(h, binary.LittleEndian, math.Float32bits(v))
		}
		for i := range b.Index {
			_ = binary.Write(h, binary.LittleEndian, [2]int64{int64(b.Index[i]), int64(b.Y.Class[i])})
		}
		batches++
		b.Release()
	}
	h.Sum(sum[:0])
	return sum, batches
}

func build(t *testing.T, b Block, root string) *DataLoaders {
	t.Helper()
	d, err := b.DataLoaders(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestLoaderSameBatchesWhateverTheWorkers(t *testing.T) {
	root := pets(t, 25, "Abyssinian", "pug")
	b := petsBlock()
	want, n := digest(t, build(t, b, root).Train, 3, 0)
	if n != 5 {
		t.Fatalf("40 training pictures in batches of 8 gave %d batches, want 5", n)
	}
	for _, c := range []struct {
		name              string
		workers, prefetch int
		cache             int64
	}{
		{"one worker", 1, 1, 0},
		{"seven workers", 7, 3, 0},
		{"everything kept", 3, 2, 1 << 20},
		{"some kept", 3, 2, 10000},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b
			b.Workers, b.Prefetch, b.CacheBytes = c.workers, c.prefetch, c.cache
			d := build(t, b, root)
			for range 2 { // the second time from the cache
				if got, _ := digest(t, d.Train, 3, 0); got != want {
					t.Error("the batches differ from those of the default number of workers")
				}
			}
		})
	}
	d := build(t, b, root)
	if got, _ := digest(t, d.Train, 4, 0); got == want {
		t.Error("epochs 3 and 4 have the same batches; training should shuffle and augment anew")
	}
	b.Seed++
	if got, _ := digest(t, build(t, b, root).Train, 3, 0); got == want {
		t.Error("two seeds give the same batches")
	}
}

func TestLoaderResumesInTheMiddleOfAnEpoch(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 25, "a", "b"))
	collect := func(start int) (all [][]float32, numbers []int) {
		it := d.Train.Epoch(context.Background(), 1, start)
		defer it.Close()
		for {
			b, err := it.Next()
			if err != nil {
				if err != io.EOF {
					t.Fatal(err)
				}
				return all, numbers
			}
			all, numbers = append(all, slices.Clone(b.X.Data)), append(numbers, b.Number)
			b.Release()
		}
	}
	whole, _ := collect(0)
	for start := range len(whole) + 1 {
		rest, numbers := collect(start)
		if len(rest) != len(whole)-start {
			t.Fatalf("from batch %d: %d batches, want %d", start, len(rest), len(whole)-start)
		}
		for i := range rest {
			if numbers[i] != start+i || !slices.Equal(rest[i], whole[start+i]) {
				t.Errorf("from batch %d: batch %d (number %d) differs from the uninterrupted epoch", start, start+i, numbers[i])
			}
		}
	}
	it := d.Train.Epoch(context.Background(), 1, -1)
	if _, err := it.Next(); err == nil || err == io.EOF {
		t.Errorf("starting at batch -1 gave %v, want an error", err)
	}
	it.Close()
}

func TestTrainingAndValidationOrder(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 21, "a", "b")) // 42 pictures: 34 and 8
	seen := map[int]int{}
	it := d.Train.Epoch(context.Background(), 0, 0)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			break
		}
		if len(b.Index) != 8 || b.X.Shape[0] != 8 {
			t.Errorf("a training batch has %d pictures; the last, partial one should be left out", len(b.Index))
		}
		for i, k := range b.Index {
			seen[k]++
			if b.Y.Class[i] != d.Train.Targets().Class[k] {
				t.Errorf("item %d has class %d in the batch, %d in Targets", k, b.Y.Class[i], d.Train.Targets().Class[k])
			}
		}
		b.Release()
	}
	if len(seen) != 32 {
		t.Errorf("an epoch of 4 batches of 8 showed %d different items, want 32", len(seen))
	}
	d.Valid, _ = d.Valid.With(func(c *LoaderConfig) { c.BatchSize = 5 })
	if d.Valid.Len() != 2 {
		t.Errorf("8 validation pictures in batches of 5: %d batches, want 2", d.Valid.Len())
	}
	var order []int
	it = d.Valid.Epoch(context.Background(), 9, 0)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			break
		}
		order = append(order, b.Index...)
	}
	if !slices.Equal(order, []int{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("validation came in the order %v, want that of the list", order)
	}
}

func TestValidationIsTheSameEveryEpochUnlessAugmented(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 21, "a", "b"))
	a, _ := digest(t, d.Valid, 0, 0)
	b, _ := digest(t, d.Valid, 1, 0)
	if a != b {
		t.Error("validation differs between epochs")
	}
	aug := d.Valid.WithTransforms(true)
	c, n := digest(t, aug, 0, 0)
	e, _ := digest(t, aug, 1, 0)
	if c == a || c == e || n != d.Valid.Len() {
		t.Error("test-time augmentation should change pictures, anew each epoch, and keep all of them")
	}
	plain := d.Train.WithTransforms(false)
	if plain.Len() != 5 || plain.Order(1)[3] != 3 {
		t.Error("the training set without augmentation should be whole (34 in 5 batches of 8) and in order")
	}
}

func TestTestLoader(t *testing.T) {
	root := pets(t, 20, "a", "b")
	d := build(t, petsBlock(), root)
	other := pets(t, 3, "b")
	items, err := pngs{}.List(context.Background(), other)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.TestLoader(items)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.OneBatch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if b.Y.Known() || len(b.Index) != 3 || !slices.Equal(b.X.Shape, []int{3, 10, 10, 3}) {
		t.Errorf("unlabeled batch: Y %v, %d pictures, shape %v", b.Y, len(b.Index), b.X.Shape)
	}
	if l, err = d.LabeledLoader(items); err != nil || !slices.Equal(l.Targets().Class, []int{1, 1, 1}) {
		t.Errorf("labeled test items: classes %v, error %v; want all 1", l.Targets().Class, err)
	}
	stranger, _ := pngs{}.List(context.Background(), pets(t, 1, "zebra"))
	if _, err = d.LabeledLoader(stranger); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "zebra_1.jpg") {
		t.Errorf("a test label outside the vocabulary: %v, want ErrUnknown naming the file", err)
	}
}

// TestIteratorLeavesNoGoroutines: a bubble of synctest fails when a goroutine
// that was started in it is still there at its end.
func TestIteratorLeavesNoGoroutines(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 40, "a", "b"))
	defer parallel.SetThreads(parallel.SetThreads(1)) // the workers of loops stay, and a bubble shares nothing with them
	for _, c := range []struct {
		name string
		use  func(t *testing.T)
	}{
		{"never read", func(t *testing.T) { d.Train.Epoch(context.Background(), 0, 0).Close() }},
		{"started and closed", func(t *testing.T) {
			it := d.Train.Epoch(context.Background(), 0, 0)
			it.Start()
			it.Start()
			it.Close()
			it.Start()
		}},
		{"closed early", func(t *testing.T) {
			it := d.Train.Epoch(context.Background(), 0, 0)
			if _, err := it.Next(); err != nil {
				t.Fatal(err)
			}
			it.Close()
			it.Close()
			if _, err := it.Next(); err == nil || err == io.EOF {
				t.Errorf("Next after Close gave %v, want an error", err)
			}
		}},
		{"read to its end, not closed", func(t *testing.T) { digest(t, d.Train, 0, 0) }},
		{"cancelled", func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			it := d.Train.Epoch(ctx, 0, 0)
			if _, err := it.Next(); err != nil {
				t.Fatal(err)
			}
			why := errors.New("the user pressed Ctrl-C")
			cancel(why)
			if _, err := it.Next(); !errors.Is(err, why) {
				t.Errorf("Next after cancelling gave %v, want the cause", err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) { synctest.Test(t, c.use) })
	}
}

// TestCancelWhileWaiting: Next ends when its context does, though the picture
// that it waits for is still being opened.
func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, opening = 20 * time.Millisecond, 30 * time.Millisecond
		l, err := NewLoader(LoaderConfig{
			Source: Fixed(nil, func(Item) (*Image, error) {
				time.Sleep(opening)
				return &Image{Width: 1, Height: 1, Pix: []uint8{1, 2, 3}}, nil
			}),
			Items:     make([]Item, 100),
			BatchSize: 4, Workers: 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		it := l.Epoch(ctx, 0, 0)
		if _, err := it.Next(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next gave %v, want the deadline", err)
		}
		if it.Waited() != limit {
			t.Errorf("Waited says %v, want %v", it.Waited(), limit)
		}
	})
}

func TestReleasedBuffersAreReused(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 40, "a", "b"))
	storage := map[*float32]bool{}
	for epoch := range 4 {
		it := d.Train.Epoch(context.Background(), epoch, 0)
		for {
			b, err := it.Next()
			if err != nil {
				break
			}
			storage[&b.X.Data[0]] = true
			b.Release()
			b.Release()
		}
		it.Close()
	}
	if len(storage) > 5 { // two ahead, one in use, and what was being made
		t.Errorf("32 batches used %d different buffers, want at most 5", len(storage))
	}
}

func TestPanicsAreErrorsOfTheirItem(t *testing.T) {
	items := []Item{{Path: "good.png"}, {Path: "bad.png"}}
	open := func(it Item) (*Image, error) {
		if it.Path == "bad.png" {
			panic("index out of range")
		}
		return &Image{Width: 1, Height: 1, Pix: []uint8{1, 2, 3}}, nil
	}
	l, _ := NewLoader(LoaderConfig{Source: Fixed(items, open), Items: items})
	_, err := l.OneBatch(context.Background())
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "bad.png") {
		t.Errorf("a decoder's panic gave %v, want ErrDamaged naming bad.png", err)
	}
	l, _ = l.With(func(c *LoaderConfig) { c.Damaged = SkipDamaged })
	b, err := l.OneBatch(context.Background())
	if err != nil || !slices.Equal(b.Index, []int{0}) || len(l.Damaged()) != 1 {
		t.Errorf("with SkipDamaged: batch %v, error %v, %d damaged; want item 0 alone and one damaged", b, err, len(l.Damaged()))
	}
}
