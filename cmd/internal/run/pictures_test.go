package run

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/data"
)

// TestPicturesThatChange: a run that is resumed notices a picture whose content
// changed under its name, and not one that was merely written again.
func TestPicturesThatChange(t *testing.T) {
	root := t.TempDir()
	gray := func(name string, v uint8) {
		m := image.NewGray(image.Rect(0, 0, 40, 40))
		for i := range m.Pix {
			m.Pix[i] = v + uint8(i)
		}
		m.Set(0, 0, color.Gray{v})
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"a_1.png", "a_2.png", "a_3.png", "b_1.png", "b_2.png", "b_3.png"}
	for i, n := range names {
		gray(n, uint8(i))
	}
	c := Default()
	c.Data, c.Size, c.Presize, c.Valid = root, 32, 0, "0.4"
	load := func() *data.DataLoaders {
		t.Helper()
		c := c
		if _, err := c.Prepare(context.Background()); err != nil {
			t.Fatal(err)
		}
		block, err := c.Block(root)
		if err != nil {
			t.Fatal(err)
		}
		d, err := block.DataLoaders(context.Background(), root)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	out, err := NewOutput(filepath.Join(t.TempDir(), "out"), c)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := out.CheckPictures(t.Context(), load()); err != nil {
		t.Errorf("a run that noted no pictures: %v", err)
	}
	if err := out.RecordPictures(t.Context(), load()); err != nil {
		t.Fatal(err)
	}
	all, err := ReadPictures(filepath.Join(out.partial, PicturesFile))
	training := 0
	for _, p := range all {
		if p.Training {
			training++
		}
	}
	if err != nil || len(all) != 6 || training != 4 {
		t.Errorf("%d pictures, %d for training, %v; want 6 and 4", len(all), training, err)
	}
	gray(names[2], 2) // the same once more
	if err := out.CheckPictures(t.Context(), load()); err != nil {
		t.Errorf("nothing changed, but: %v", err)
	}
	begin := func(change func(), says ...string) {
		t.Helper()
		change()
		err := out.CheckPictures(t.Context(), load())
		for _, want := range says {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		}
		for _, n := range []string{"a_9.png", "a_8.png"} {
			_ = os.Remove(filepath.Join(root, n))
		}
		for i, n := range names {
			gray(n, uint8(i))
		}
	}
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
			t.Fatal(err)
		}
	}
	begin(func() { gray("a_9.png", 70) }, "new since the run began with 6 pictures: 1 (a_9.png)")
	begin(func() { rename("a_2.png", "a_8.png") }, "gone since the run began: 1 of 6 pictures (a_2.png)", "new: 1 (a_8.png)")
	begin(func() {
		gray("a_9.png", 70)
		if err := os.Remove(filepath.Join(root, "b_3.png")); err != nil {
			t.Fatal(err)
		}
	}, "gone since the run began: 1 of 6 pictures (b_3.png)", "new: 1 (a_9.png)")
	gray(names[4], 100)
	if err := out.CheckPictures(t.Context(), load()); err == nil || !strings.Contains(err.Error(), "changed since the run began: 1 of 6 pictures (b_2.png)") {
		t.Errorf("a picture changed: %v", err)
	}
	table := filepath.Join(out.partial, PicturesFile)
	if err := os.Truncate(table, 70); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPictures(table); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("a table that is cut: %v", err)
	}
}

// TestDigestOf: a change anywhere in a small file, and at the ends and in the
// middle of a large one, changes the digest.
func TestDigestOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct{ size, at int }{{1, 0}, {3 * sampled, sampled + 1}, {10 * sampled, 0}, {10 * sampled, 5 * sampled}, {10 * sampled, 10*sampled - 1}} {
		b := make([]byte, c.size)
		var got [2]string
		for i := range got {
			b[c.at] = byte(i)
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			size, d, err := digestOf(path)
			if err != nil || size != int64(c.size) || len(d) != 32 {
				t.Fatalf("size %d, digest %q, %v", size, d, err)
			}
			got[i] = d
		}
		if got[0] == got[1] {
			t.Errorf("byte %d of %d changed, the digest did not", c.at, c.size)
		}
	}
}

func FuzzReadPictures(f *testing.F) {
	f.Add("path,set,bytes,digest\na.jpg,train,12,00ff\n")
	f.Add("a,valid,x,\n")
	f.Fuzz(func(t *testing.T, s string) {
		path := filepath.Join(t.TempDir(), PicturesFile)
		if err := os.WriteFile(path, []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPictures(path); err != nil && !strings.Contains(err.Error(), PicturesFile) {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
