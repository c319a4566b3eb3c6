package data

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
)

func TestListFilesOrderAndChoice(t *testing.T) {
	root := write(t, map[string][]byte{
		"b/2.jpg": nil, "b/10.jpg": nil, "B/1.JPG": nil, "a.png": nil, "a/z.jpeg": nil, "a-b/x.jpg": nil,
		"notes.txt": nil, "x.mat": nil, ".hidden.jpg": nil, ".git/y.jpg": nil, "noext": nil,
	})
	items, err := ListFiles(context.Background(), root, ListOptions{Extensions: []string{".jpg", ".JPEG", ".png"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		if it.Fields != nil {
			t.Errorf("%s has columns", it.Path)
		}
		got = append(got, relative(root, it.Path))
	}
	// sorted([Path(…)]) of Python compares part by part, capitals first, so that
	// a/z comes before a-b/x, which a comparison of whole texts would not say.
	want := []string{"B/1.JPG", "a/z.jpeg", "a-b/x.jpg", "a.png", "b/10.jpg", "b/2.jpg"}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	all, err := ListFiles(context.Background(), root, ListOptions{})
	if err != nil || len(all) != 9 {
		t.Errorf("without extensions: %d files, error %v; want all 9 that are not hidden", len(all), err)
	}
}

func TestListFilesInSomeFolders(t *testing.T) {
	root := write(t, map[string][]byte{"0.jpg": nil, "train/x/1.jpg": nil, "valid/x/2.jpg": nil, "test/train/3.jpg": nil})
	for _, c := range []struct {
		name string
		o    ListOptions
		want string
	}{
		{"two folders", ListOptions{Folders: []string{"train", "valid"}}, "train/x/1.jpg valid/x/2.jpg"},
		{"not deeper", ListOptions{Flat: true}, "0.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := ListFiles(context.Background(), root, c.o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, it := range items {
				got = append(got, relative(root, it.Path))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("listed %q, want %s", got, c.want)
			}
		})
	}
}

func TestListFilesFollowsLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need privileges on Windows")
	}
	root := write(t, map[string][]byte{"real/1.jpg": nil})
	other := write(t, map[string][]byte{"2.jpg": nil})
	for name, to := range map[string]string{"linked": other, "real/alias.jpg": filepath.Join(other, "2.jpg"), "nowhere.jpg": "missing"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	items, err := ListFiles(context.Background(), root, ListOptions{Extensions: []string{".jpg"}})
	if err != nil || len(items) != 4 {
		t.Fatalf("%d files, error %v; want 1.jpg, 2.jpg twice by its links, and the link to nowhere, which opening will report", len(items), err)
	}
	if err := os.Symlink(root, filepath.Join(root, "real", "circle")); err != nil {
		t.Fatal(err)
	}
	items, err = ListFiles(context.Background(), root, ListOptions{Extensions: []string{".jpg"}})
	if err != nil || len(items) != 4 {
		t.Errorf("with a link to its own parent: %d files, error %v; want the same 4", len(items), err)
	}
}

func TestDuplicates(t *testing.T) {
	same, other := picture(12, 12, 1), picture(12, 12, 2)
	files := map[string][]byte{}
	for i, c := range []string{"a", "b"} {
		for k := range 10 {
			files[c+"_"+string(rune('0'+k))+".jpg"] = picture(12, 12, uint64(100*i+k))
		}
	}
	files["a_20.jpg"], files["a_21.jpg"], files["b_22.jpg"] = same, same, same
	files["a_30.jpg"] = other
	root := write(t, files)
	items, err := ListFiles(context.Background(), root, ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := Duplicates(context.Background(), append(items, Item{Path: "drawn, not a file"}), 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		for _, i := range g {
			got = append(got, filepath.Base(items[i].Path))
		}
		got = append(got, "|")
	}
	// a_1 has the seed of same, and a_2 that of other.
	if want := []string{"a_1.jpg", "a_20.jpg", "a_21.jpg", "b_22.jpg", "|", "a_2.jpg", "a_30.jpg", "|"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	b := petsBlock()
	b.Split = FuncSplit(func(it Item) bool { return strings.Contains(it.Path, "_2") })
	d := build(t, b, root)
	text := strings.Join(d.Warnings, "\n")
	for _, part := range []string{"2 pictures both in training and in validation", "the first a_1.jpg, b_22.jpg", "1 picture under two labels", "(a, b)"} {
		if !strings.Contains(text, part) {
			t.Errorf("the warnings lack %q:\n%s", part, text)
		}
	}
}

func TestImagePool(t *testing.T) {
	for _, n := range []int{1, 2, 3, 100, 460, 1000} {
		img := NewImage(n, n)
		if len(img.Pix) != 3*n*n {
			t.Fatalf("NewImage(%d,%d) has %d bytes", n, n, len(img.Pix))
		}
		img.Free()
		img.Free()
		if img.Pix != nil {
			t.Error("a freed picture keeps its pixels")
		}
	}
	own := &Image{Width: 1, Height: 1, Pix: []uint8{1, 2, 3}}
	own.Free()
	(*Image)(nil).Free()
	if own.Pix == nil {
		t.Error("Free took the pixels of a picture that is not from NewImage")
	}
	if got := NewImage(0, 5); len(got.Pix) != 0 {
		t.Error("an empty picture has pixels")
	}
	for _, size := range [][2]int{{-1, 1}, {1 << 40, 1 << 40}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewImage(%d,%d) did not panic", size[0], size[1])
				}
			}()
			NewImage(size[0], size[1])
		}()
	}
}

func TestChainFreesOnlyWhatIsBetween(t *testing.T) {
	first := NewImage(12, 12)
	out, err := Chain(crop{11}, crop{10}).Apply(first, false, nil)
	if err != nil || out.Width != 10 || first.Pix == nil {
		t.Errorf("chain: %v, error %v; the picture given must stay", out, err)
	}
	if _, err := Chain(crop{11}, crop{20}).Apply(first, false, nil); err == nil || first.Pix == nil {
		t.Errorf("a chain that fails: %v", err)
	}
	if s := Chain(crop{11}, crop{10}).String(); s != "crop(11) → crop(10)" {
		t.Errorf("described as %q", s)
	}
	if out, err := Chain().Apply(first, false, nil); out != first || err != nil {
		t.Error("an empty chain should return its picture")
	}
}

func TestToFloat(t *testing.T) {
	_, err := NewLoader(LoaderConfig{})
	if err == nil {
		t.Error("a loader without a source was made")
	}
	px := []uint8{0, 51, 255}
	items := []Item{{Path: "a"}}
	l, err := NewLoader(LoaderConfig{Source: Fixed(items, func(Item) (*Image, error) { return &Image{Width: 1, Height: 1, Pix: px}, nil }), Items: items, Targets: target.Classes([]int{4})})
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.OneBatch(context.Background())
	if err != nil || !slices.Equal(b.X.Data, []float32{0, 0.2, 1}) || b.Y.Class[0] != 4 {
		t.Errorf("bytes %v became %v, class %v, error %v; want 0 0.2 1, class 4", px, b.X.Data, b.Y, err)
	}
	for name, c := range map[string]LoaderConfig{
		"labels":  {Source: pngs{}, Items: items, Targets: target.Classes([]int{1, 2})},
		"batch":   {Source: pngs{}, BatchSize: -1},
		"workers": {Source: pngs{}, Workers: -1},
	} {
		if _, err := NewLoader(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	bad := Fixed(items, func(Item) (*Image, error) { return &Image{Width: 2, Height: 2, Pix: px}, nil })
	l, _ = NewLoader(LoaderConfig{Source: bad, Items: items})
	if _, err := l.OneBatch(context.Background()); !errors.Is(err, ErrDamaged) {
		t.Errorf("a picture with too few pixels: %v, want ErrDamaged", err)
	}
}
