package data

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/task"
)

// treeOf writes pictures, symbolic links and hard links below a new folder: for each path the number of
// the picture, or the path that it links to, a hard link where it begins with "=".
func treeOf(t *testing.T, files map[string]any) string {
	t.Helper()
	plain := map[string][]byte{}
	for p, what := range files {
		if n, ok := what.(int); ok {
			plain[p] = picture(12, 12, uint64(n))
		}
	}
	root := write(t, plain)
	for p, what := range files {
		to, ok := what.(string)
		if !ok {
			continue
		}
		name := filepath.Join(root, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		link := os.Symlink
		if strings.HasPrefix(to, "=") {
			to, link = to[1:], os.Link
		}
		if err := link(filepath.Join(root, filepath.FromSlash(to)), name); err != nil {
			t.Skip("this file system has no links: ", err)
		}
	}
	return root
}

// listedPNGs is pngs with the notes of the listing.
type listedPNGs struct{ pngs }

func (listedPNGs) ListNoted(ctx context.Context, root string) ([]Item, []string, error) {
	return ListFilesNoted(ctx, root, ListOptions{Extensions: []string{".png"}})
}

func TestTree(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]any
		parts []string
		want  string // PATH: LABELS of every item
		note  string
		fails string
	}{
		{name: "a tree", files: map[string]any{"animal/dog/1.png": 1, "animal/2.png": 2, "plant/rose/red/3.png": 3},
			want: "animal/2.png: animal; animal/dog/1.png: animal dog; plant/rose/red/3.png: plant red rose"},
		{name: "the same file, a symbolic and a hard link", files: map[string]any{"cats/a.png": 1, "outdoor/b.png": 1, "dogs/c.png": 2, "snow/c.png": "dogs/c.png", "winter/z.png": "=dogs/c.png", "winter/d.png": 3},
			want: "cats/a.png: cats outdoor; dogs/c.png: dogs snow winter; winter/d.png: winter", note: "3 pictures in all: 3 files the same"},
		{name: "a copy in the same folder", files: map[string]any{"cats/a.png": 1, "cats/a (1).png": 1}, want: "cats/a (1).png: cats", note: "1 picture in all: 1 file the same"},
		{name: "a picture in no folder", files: map[string]any{"cats/a.png": 1, "x.png": 2}, want: "cats/a.png: cats; x.png: ", note: "1 picture in no folder of a label, so with no label: the first x.png"},
		{name: "a link to a folder of labels", files: map[string]any{"cats/a.png": 1, "outdoor": "cats"}, want: "cats/a.png: cats", note: "1 linked folder left out, whose pictures are listed already"},
		{name: "folders that split are no labels", parts: []string{"train", "valid"},
			files: map[string]any{"train/cats/a.png": 1, "train/outdoor/a.png": 1, "valid/cats/b.png": 2, "valid/c.png": 3},
			want:  "train/cats/a.png: cats outdoor; valid/c.png: ; valid/cats/b.png: cats"},
		{name: "a picture in both parts", parts: []string{"train", "valid"}, files: map[string]any{"train/cats/a.png": 1, "valid/outdoor/a.png": "train/cats/a.png"},
			fails: "the same picture is in train and in valid, train/cats/a.png and valid/outdoor/a.png"},
		{name: "a picture in a part and elsewhere", parts: []string{"train", "valid"}, files: map[string]any{"train/cats/a.png": 1, "more/a.png": 1},
			fails: "none of the folders that split the data"},
		{name: "the same name in two folders is two pictures", files: map[string]any{"a/1.png": 1, "b/1.png": 2}, want: "a/1.png: a; b/1.png: b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := treeOf(t, c.files)
			items, notes, err := Tree{Images: listedPNGs{}, Parts: c.parts}.ListNoted(context.Background(), root)
			if c.fails != "" {
				if !errors.Is(err, ErrDuplicate) || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, it := range items {
				labels, err := TreeLabels.Labels(root, it)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, relative(root, it.Path)+": "+strings.Join(labels, " "))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("items\n%s, want\n%s", s, c.want)
			}
			if !strings.Contains(strings.Join(notes, "\n"), c.note) {
				t.Errorf("notes %q without %q", notes, c.note)
			}
		})
	}
	if _, err := (Tree{}).List(context.Background(), t.TempDir()); err == nil {
		t.Error("a Tree without Images was listed")
	}
	if _, err := (Tree{}).Open(Item{}); err == nil {
		t.Error("a Tree without Images opened a picture")
	}
	if _, err := TreeLabels.Labels("/r", Item{Path: "/r/a/b.png"}); err == nil {
		t.Error("an item that is not a Tree's has labels")
	}
}

func TestTreeBlock(t *testing.T) {
	files := map[string]any{}
	for i := range 12 {
		part, n := []string{"train/", "valid/"}[i/8], string(rune('a'+i))
		files[part+"animal/"+[]string{"dog/", "cat/"}[i%2]+n+".png"] = i
		if i%3 == 0 {
			files[part+"outdoor/"+n+".png"] = i
		}
	}
	files["test/z.png"] = 99
	root := treeOf(t, files)
	b := petsBlock()
	b.Task, b.Items, b.Label, b.Split, b.BatchSize = task.MultiLabel, Tree{Images: pngs{}, Parts: []string{"train", "valid"}}, TreeLabels, TreeSplit("train", "valid"), 4
	d := build(t, b, root)
	if !slices.Equal(d.Vocab, []string{"animal", "cat", "dog", "outdoor"}) || len(d.Train.Items()) != 8 || len(d.Valid.Items()) != 4 {
		t.Errorf("labels %q, %d and %d pictures", d.Vocab, len(d.Train.Items()), len(d.Valid.Items()))
	}
	if w := strings.Join(d.Warnings, "\n"); !strings.Contains(w, `every training picture has the label "animal"`) {
		t.Errorf("warnings without the label of all pictures: %s", w)
	}
	b.Split = TreeSplit("train", "val")
	if _, err := b.DataLoaders(context.Background(), root); !errors.Is(err, ErrEmptySplit) || !strings.Contains(err.Error(), "valid (4)") {
		t.Errorf("a split into folders that are not there: %v", err)
	}
}
