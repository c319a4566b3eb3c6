package data

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
)

// shard is what a reader got.
type shard struct {
	number, shard int
	index         []int
	x             []float32
}

// readShare reads a share of epoch 1 from a batch on.
func readShare(t *testing.T, l *Loader, start int, s Share) (all []shard) {
	t.Helper()
	it := l.EpochShare(context.Background(), 1, start, s)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, shard{b.Number, b.Shard, slices.Clone(b.Index), slices.Clone(b.X.Data)})
		b.Release()
	}
}

// TestSharesAreOneEpoch reads an epoch by any number of readers and compares with
// one reader of the same shards, from its beginning and from its middle.
func TestSharesAreOneEpoch(t *testing.T) {
	block := petsBlock()
	block.BatchSize = 8
	d := build(t, block, pets(t, 26, "a", "b"))
	for _, l := range []*Loader{d.Train, d.Valid} {
		for _, shards := range []int{1, 2, 4} {
			for start := range l.Len() {
				want := readShare(t, l, start, Share{Shards: shards})
				var order []int
				for _, w := range want {
					order = append(order, w.index...)
				}
				if all := l.Order(1)[start*8 : min(l.Len()*8, len(l.Items()))]; !slices.Equal(order, all) {
					t.Errorf("%d shards from batch %d: items %v, want %v", shards, start, order, all)
				}
				for _, readers := range []int{2, 4, 3} {
					of := shards
					if readers > shards { // whole batches, in turn
						of = readers * shards
					} else if shards%readers != 0 {
						continue
					}
					var got []shard
					for r := range readers {
						got = append(got, readShare(t, l, start, Share{Shards: shards, Of: of, First: of / readers * r, End: of / readers * (r + 1)})...)
					}
					slices.SortFunc(got, func(a, b shard) int { return (a.number-b.number)*shards + a.shard - b.shard })
					if !slices.EqualFunc(got, want, func(a, b shard) bool {
						return a.number == b.number && a.shard == b.shard && slices.Equal(a.index, b.index) && slices.Equal(a.x, b.x)
					}) {
						t.Errorf("%d readers of %d shards from batch %d get other pictures than one", readers, shards, start)
					}
				}
			}
		}
	}
}

// TestWholeBatchesStay checks that a share of everything is the plain epoch.
func TestWholeBatchesStay(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 25, "a", "b"))
	want, n := digest(t, d.Train, 1, 0)
	all := readShare(t, d.Train, 0, Share{})
	if len(all) != n {
		t.Fatalf("%d batches, want %d", len(all), n)
	}
	if got, _ := digest(t, d.Train, 1, 0); got != want {
		t.Error("the epoch changed")
	}
}

func TestShareErrors(t *testing.T) {
	d := build(t, petsBlock(), pets(t, 25, "a", "b"))
	for _, c := range []struct {
		s    Share
		want string
	}{
		{Share{Shards: 3}, "batches of 8 cannot be cut into 3"},
		{Share{Of: 2, First: 2}, "First must be"},
		{Share{Of: 2, First: 1, End: 3}, "at most Of"},
		{Share{Of: 2, First: -1}, "First must be"},
	} {
		it := d.Train.EpochShare(context.Background(), 0, 0, c.s)
		if _, err := it.Next(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.s, err, c.want)
		}
		it.Close()
	}
}
