package drawn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/parallel"
)

func TestClassesAreSortedAndNumbered(t *testing.T) {
	for _, task := range []Task{Breeds, Objects} {
		names := task.Classes()
		if !slices.IsSorted(names) {
			t.Errorf("%s: %v is not sorted", task, names)
		}
		for i, name := range names {
			if c, err := task.Class(name); err != nil || c != i {
				t.Errorf("class of %q is %d, %v, want %d", name, c, err, i)
			}
			if c, n, err := task.ParseFileName("a/b/" + task.FileName(i, 11)); err != nil || c != i || n != 11 {
				t.Errorf("%s: parsed as %d, %d, %v", task.FileName(i, 11), c, n, err)
			}
		}
	}
	if len(Breeds.Classes()) != 10 || len(Objects.Classes()) != 20 {
		t.Errorf("%d breeds and %d objects, want 10 and 20", len(Breeds.Classes()), len(Objects.Classes()))
	}
}

func TestTraitsTellEveryBreed(t *testing.T) {
	type traits struct {
		dog, fluffy bool
		pattern     pattern
		ears        ears
	}
	seen := map[traits]string{}
	for _, b := range breeds {
		k := traits{b.dog, b.fluffy, b.pattern, b.ears}
		if o, ok := seen[k]; ok {
			t.Errorf("%s and %s have the same traits", o, b.name)
		}
		seen[k] = b.name
	}
}

func TestDrawRefuses(t *testing.T) {
	for _, c := range []struct {
		name               string
		task               Task
		class, index, size int
		want               string
	}{
		{"task", Task(7), 0, 0, 64, "no Task(7)"},
		{"class too high", Breeds, 10, 0, 64, "class 10 is not in 0..9"},
		{"class negative", Objects, -1, 0, 64, "class -1"},
		{"index negative", Breeds, 0, -1, 64, "index -1"},
		{"size too small", Breeds, 0, 0, 7, "size 7"},
		{"size too large", Breeds, 0, 0, MaxSize + 1, "size 4097"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.task.Draw(1, c.class, c.index, c.size)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestDrawIsDeterministic(t *testing.T) {
	for _, task := range []Task{Breeds, Objects} {
		seen := map[[32]byte]bool{}
		for class := range task.Classes() {
			for index := range 3 {
				a, err := task.Draw(5, class, index, 48)
				if err != nil {
					t.Fatal(err)
				}
				b, _ := task.Draw(5, class, index, 48)
				if !bytes.Equal(a.Pix, b.Pix) {
					t.Errorf("%s class %d index %d: two drawings differ", task, class, index)
				}
				sum := sha256.Sum256(a.Pix)
				if seen[sum] {
					t.Errorf("%s class %d index %d equals an earlier picture", task, class, index)
				}
				seen[sum] = true
			}
		}
	}
	a, _ := Breeds.Draw(5, 0, 0, 48)
	b, _ := Breeds.Draw(6, 0, 0, 48)
	if bytes.Equal(a.Pix, b.Pix) {
		t.Error("seeds 5 and 6 give the same picture")
	}
}

// TestSizeChangesResolutionOnly compares a picture with a larger one shrunk.
func TestSizeChangesResolutionOnly(t *testing.T) {
	for class := range Breeds.Classes() {
		small, err := Breeds.Draw(3, class, 0, 40)
		if err != nil {
			t.Fatal(err)
		}
		large, err := Breeds.Draw(3, class, 0, 160)
		if err != nil {
			t.Fatal(err)
		}
		if d := meanDifference(small, shrink(large, 40)); d > 12 {
			t.Errorf("%s: 40 pixels and 160 shrunk to 40 differ by %.1f levels on average, want at most 12 (grain and thin lines)", breeds[class].name, d)
		}
	}
}

func TestPicturesAreVaried(t *testing.T) {
	for _, task := range []Task{Breeds, Objects} {
		for class, name := range task.Classes() {
			img, err := task.Draw(2, class, 1, 64)
			if err != nil {
				t.Fatal(err)
			}
			if !img.Opaque() {
				t.Errorf("%s is not opaque", name)
			}
			var sum, sq float64
			for i := 0; i < len(img.Pix); i += 4 {
				v := float64(img.Pix[i+1])
				sum, sq = sum+v, sq+v*v
			}
			n := float64(len(img.Pix) / 4)
			if sd := math.Sqrt(sq/n - sum/n*sum/n); sd < 10 {
				t.Errorf("%s: green varies by %.1f levels, expected a picture", name, sd)
			}
		}
	}
}

func TestWriteIsTheSameForAnyThreads(t *testing.T) {
	read := func(threads int) map[string][32]byte {
		defer parallel.SetThreads(parallel.SetThreads(threads))
		dir, err := Write(context.Background(), t.TempDir(), Options{Seed: 9, PerClass: 2, Size: 32})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][32]byte{}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			out[f.Name()] = sha256.Sum256(raw)
		}
		return out
	}
	one, four := read(1), read(4)
	if len(one) != 20 || len(four) != 20 {
		t.Fatalf("%d and %d files, want 20", len(one), len(four))
	}
	for name, sum := range one {
		if four[name] != sum {
			t.Errorf("%s differs between 1 and 4 threads", name)
		}
	}
	if _, ok := one["Isle_Fold_1.jpg"]; !ok {
		t.Error("Isle_Fold_1.jpg is missing")
	}
}

func TestWriteRefusesAndStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Write(ctx, t.TempDir(), Options{PerClass: 1, Size: 16}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		dir  string
		o    Options
		want string
	}{
		{"task", "x", Options{Task: 9}, "no Task(9)"},
		{"count", "x", Options{PerClass: -1}, "PerClass is -1"},
		{"size", "x", Options{Size: 3}, "Size is 3"},
		{"folder is a file", file, Options{PerClass: 1, Size: 16}, "making the folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Write(context.Background(), c.dir, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestSourceEqualsDraw(t *testing.T) {
	s := Source{Options{Task: Objects, Seed: 4, PerClass: 12, Size: 24}}
	items, err := s.List(context.Background(), "root")
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 240 || !slices.IsSortedFunc(items, func(a, b item) int { return strings.Compare(a.Path, b.Path) }) {
		t.Fatalf("%d items, want 240 sorted by path", len(items))
	}
	img, err := s.Open(items[17])
	if err != nil {
		t.Fatal(err)
	}
	class, index, err := Objects.ParseFileName(items[17].Path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Objects.Draw(4, class, index, 24)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 * 24 {
		if !bytes.Equal(img.Pix[3*i:3*i+3], want.Pix[4*i:4*i+3]) {
			t.Fatalf("pixel %d of %s is %v, want %v", i, items[17].Path, img.Pix[3*i:3*i+3], want.Pix[4*i:4*i+3])
		}
	}
	for _, path := range []string{"", "x.jpg", "pig_0.jpg", "pig_12.png", "zebra_1.jpg", "pig_99999999999.jpg"} {
		if _, err := s.Open(item{Path: path}); err == nil {
			t.Errorf("opening %q gave no error", path)
		}
	}
}

func FuzzParseFileName(f *testing.F) {
	for _, s := range []string{"pig_1.jpg", "images/Isle_Fold_12.jpg", "_1.jpg", "a_.jpg", "pig_-1.jpg", "pig_1.jpg/", "pig_1٣.jpg"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, task := range []Task{Breeds, Objects} {
			class, index, err := task.ParseFileName(path)
			if err == nil && filepath.Base(path) != task.FileName(class, index) {
				t.Errorf("%q parsed as %q", path, task.FileName(class, index))
			}
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	for b.Loop() {
		if _, err := Breeds.Draw(1, b.N%10, b.N, 160); err != nil {
			b.Fatal(err)
		}
	}
}

func shrink(img *image.RGBA, size int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, size, size))
	k := img.Rect.Dx() / size
	for y := range size {
		for x := range size {
			for ch := range 4 {
				sum := 0
				for j := range k {
					for i := range k {
						sum += int(img.Pix[img.PixOffset(x*k+i, y*k+j)+ch])
					}
				}
				out.Pix[out.PixOffset(x, y)+ch] = uint8(sum / (k * k))
			}
		}
	}
	return out
}

func meanDifference(a, b *image.RGBA) float64 {
	sum := 0.0
	for i := range a.Pix {
		sum += math.Abs(float64(a.Pix[i]) - float64(b.Pix[i]))
	}
	return sum / float64(len(a.Pix)*3/4)
}
