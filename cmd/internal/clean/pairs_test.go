package clean

import (
	"context"
	"errors"
	"fmt"
	"image"
	"testing"

	"golang.org/x/image/draw"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/data/copies"
	"github.com/whippet-ml/whippet/internal/demo/drawn"
	"github.com/whippet-ml/whippet/vision"
)

func drawnPicture(t *testing.T, class, index, side int) *data.Image {
	t.Helper()
	m, err := drawn.Breeds.Draw(1, class, index, 160)
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewRGBA(image.Rect(0, 0, side, side*3/4+side/4))
	draw.CatmullRom.Scale(small, small.Bounds(), m, m.Bounds(), draw.Src, nil)
	return vision.FromImage(small)
}

// Copies of another size are found, and no two of different pictures.
func TestNearDuplicates(t *testing.T) {
	s := &Set{Vocab: []string{"a"}}
	pictures := map[string]*data.Image{}
	add := func(name string, m *data.Image, valid bool) {
		pictures[name] = m
		s.Pictures = append(s.Pictures, Picture{Path: name, Name: name, Valid: valid})
	}
	for i := range 12 {
		add(fmt.Sprint("train", i), drawnPicture(t, i%3, i, 160), false)
	}
	for i := range 6 {
		add(fmt.Sprint("valid", i), drawnPicture(t, i%3, 100+i, 160), true)
	}
	add("copy of 4", drawnPicture(t, 1, 4, 90), true)
	add("copy of 7 in training", drawnPicture(t, 1, 7, 90), false) // not across the split
	add("same", drawnPicture(t, 0, 3, 160), true)
	s.Pictures = append(s.Pictures, Picture{Path: "damaged", Valid: true})
	s.Open = func(path string) (*data.Image, error) {
		if m := pictures[path]; m != nil {
			c := *m // the caller frees it
			return &data.Image{Width: c.Width, Height: c.Height, Pix: c.Pix}, nil
		}
		return nil, errors.New("damaged")
	}
	last := 0
	pairs, err := NearDuplicates(context.Background(), s, copies.DefaultLimits, func(n int) { last = max(last, n) })
	if err != nil || last != len(s.Pictures) {
		t.Fatalf("%v after %d pictures", err, last)
	}
	var got []string
	for _, p := range pairs {
		got = append(got, s.Pictures[p.Train].Name+" = "+s.Pictures[p.Valid].Name)
	}
	if want := "[train3 = same train4 = copy of 4]"; fmt.Sprint(got) != want {
		t.Errorf("pairs %v, want %s", got, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NearDuplicates(ctx, s, copies.DefaultLimits, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
