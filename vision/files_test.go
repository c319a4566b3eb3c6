package vision

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/datasets"
	"github.com/whippet-ml/whippet/internal/testkit/golden"
)

// Files is what data.Block takes.
var (
	_ data.Source         = Files{}
	_ data.Checker        = Files{}
	_ data.ItemTransform  = Resizer{}
	_ data.BatchTransform = AugTransforms{}
	_ data.BatchTransform = Normalize{}
)

func TestFilesList(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{
		"b.JPG", "a.png", "Abyssinian_100.mat", "notes.txt", ".hidden.jpg", ".git/x.jpg", "z/deep/c.webp", "z/d.jpeg", "y/e.gif", "plain",
	} {
		p := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		f    Files
		want string
	}{
		{"all", Files{}, "a.png b.JPG y/e.gif z/d.jpeg z/deep/c.webp"},
		{"flat", Files{Flat: true}, "a.png b.JPG"},
		{"folder z", Files{Folders: []string{"z"}}, "z/d.jpeg z/deep/c.webp"},
		{"png", Files{Extensions: []string{".png"}}, "a.png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := c.f.List(context.Background(), dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, it := range items {
				r, _ := filepath.Rel(dir, it.Path)
				got = append(got, filepath.ToSlash(r))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
	t.Run("circle of links", func(t *testing.T) {
		if err := os.Symlink(dir, filepath.Join(dir, "z", "loop")); err != nil {
			t.Skip(err)
		}
		items, err := Files{}.List(context.Background(), dir)
		if err != nil || len(items) != 5 {
			t.Errorf("%d items, %v; want 5", len(items), err)
		}
	})
	t.Run("none", func(t *testing.T) {
		_, err := Files{Extensions: []string{".bmp"}}.List(context.Background(), dir)
		if err == nil || !strings.Contains(err.Error(), "no pictures in "+dir) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a file for a folder", func(t *testing.T) {
		if _, err := ImageFiles.List(context.Background(), filepath.Join(dir, "a.png")); err == nil || !strings.Contains(err.Error(), "is a file") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		if _, err := ImageFiles.List(context.Background(), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := ImageFiles.List(ctx, dir); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// TestRealPets lists, checks and decodes the 450 pictures of the three-breed
// Pets: the header gives the size that decoding gives, and none is damaged.
func TestRealPets(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes 450 pictures")
	}
	ctx := context.Background()
	t.Setenv("WHIPPET_HOME", t.TempDir())
	root, err := datasets.Untar(ctx, golden.Path(t, "data", "oxford-iiit-pet-3.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	items, err := ImageFiles.List(ctx, root)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 450 {
		t.Errorf("%d pictures, want 450", len(items))
	}
	if !slices.IsSortedFunc(items, func(a, b data.Item) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("not sorted")
	}
	formats := map[Format]int{}
	for _, it := range items {
		w, h, err := ImageFiles.Check(it)
		if err != nil {
			t.Error(err)
			continue
		}
		info, _ := CheckFile(it.Path, DecodeOptions{})
		formats[info.Format]++
		m, err := Files{Decode: DecodeOptions{Strict: true}}.Open(it)
		if err != nil {
			t.Error(err)
			continue
		}
		if m.Width != w || m.Height != h {
			t.Errorf("%s: Check says %d×%d, Open gives %d×%d", it.Path, w, h, m.Width, m.Height)
		}
		m.Free()
	}
	if formats[JPEG] != 448 || formats[GIF] != 1 || formats[PNG] != 1 {
		t.Errorf("formats %v, want 448 JPEG, 1 GIF, 1 PNG", formats)
	}
}

// TestUnreadAdvice: what is said of files that are left out is what opening one
// says.
func TestUnreadAdvice(t *testing.T) {
	dir := t.TempDir()
	for name, head := range map[string]string{
		"a.png": "", "b.avif": "\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif", "c.jxl": "\xff\x0a", "d.jp2": "\x00\x00\x00\x0cjP  ",
		"e.raf": "FUJIFILMCCD-RAW", "f.qoi": "qoif", "g.svg": "<svg>", "h.pdf": "%PDF-",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(head), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, notes, err := ImageFiles.ListNoted(context.Background(), dir)
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes %q, %v; want one", notes, err)
	}
	for _, name := range []string{"b.avif", "c.jxl", "d.jp2", "e.raf", "f.qoi", "g.svg", "h.pdf"} {
		_, err := DecodeFile(filepath.Join(dir, name), DecodeOptions{})
		advice := unreadExtensions[filepath.Ext(name)]
		if err == nil || !strings.Contains(err.Error(), advice) || !strings.Contains(notes[0], "1 "+filepath.Ext(name)) || !strings.Contains(notes[0], advice) {
			t.Errorf("%s: opening it says %v, the list says %q; want %q of both", name, err, notes[0], advice)
		}
	}
}
