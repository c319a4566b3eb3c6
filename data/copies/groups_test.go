package copies

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/whippet-ml/whippet/data"
)

// memory is a source of pictures in memory.
type memory struct {
	data.Source
	pictures map[string]*data.Image
}

func (m memory) Open(it data.Item) (*data.Image, error) {
	if p := m.pictures[it.Path]; p != nil {
		return &data.Image{Width: p.Width, Height: p.Height, Pix: p.Pix}, nil
	}
	return nil, errors.New("damaged")
}

// TestGroups finds copies, and copies of copies, in any order of the list.
func TestGroups(t *testing.T) {
	src := memory{pictures: map[string]*data.Image{}}
	var items []data.Item
	add := func(name string, m *data.Image) {
		src.pictures[name] = m
		items = append(items, data.Item{Path: name})
	}
	for i := range 6 {
		add(fmt.Sprint(i), drawnPicture(t, i%3, i, 160))
	}
	add("mirrored 2", mirrored(src.pictures["2"]))
	add("small 4", scaled(src.pictures["4"], 50, 37))
	add("damaged", nil)
	add("small mirrored 2", scaled(src.pictures["mirrored 2"], 60, 60))
	want := map[string]string{"mirrored 2": "2", "small mirrored 2": "2", "small 4": "4"}
	for range 2 {
		groups, err := Groups{}.Groups(t.Context(), src, "", items)
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]string{}
		for i, it := range items {
			of[it.Path] = groups[i]
		}
		for _, a := range items {
			for _, b := range items {
				x, y := a.Path, b.Path
				if o := want[x]; o != "" {
					x = o
				}
				if o := want[y]; o != "" {
					y = o
				}
				if (of[a.Path] == of[b.Path]) != (x == y) {
					t.Errorf("%q is in group %q, %q in %q", a.Path, of[a.Path], b.Path, of[b.Path])
				}
			}
		}
		slices.Reverse(items)
	}
}
