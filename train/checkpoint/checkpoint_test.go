package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/weights"
)

func sample(step int) *File {
	return &File{
		State: json.RawMessage(fmt.Sprintf(`{"version":%d,"step":%d}`, Version, step)),
		Arrays: []weights.Array{
			{Name: "a", Shape: []int{3}, F32: []float32{1, 2, float32(step)}},
			{Name: "n", Shape: []int{}, DType: weights.I64, I64: []int64{int64(step)}},
			{Name: "steps", Shape: []int{1, 2}, DType: weights.F64, F64: []float64{0.5, 0.25}},
		},
	}
}

// filled returns a folder with n checkpoints, of which keep are left, and their
// paths, newest first.
func filled(t *testing.T, n, keep int) (Folder, []string) {
	t.Helper()
	d := Folder{Dir: filepath.Join(t.TempDir(), "a", "b"), Keep: keep}
	for i := range n {
		if err := d.Write(sample(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := d.Paths()
	if err != nil || len(paths) != min(n, keep) {
		t.Fatalf("checkpoints %v, error %v, want %d", paths, err, min(n, keep))
	}
	return d, paths
}

func TestWriteAndNewest(t *testing.T) {
	d, paths := filled(t, 5, 2)
	if filepath.Base(paths[0]) != "checkpoint-000000005.safetensors" || filepath.Base(paths[1]) != "checkpoint-000000004.safetensors" {
		t.Errorf("kept %v, want the fifth and the fourth", paths)
	}
	c, skipped, err := d.Newest()
	if err != nil || len(skipped) != 0 {
		t.Fatalf("error %v, skipped %v", err, skipped)
	}
	want := sample(5)
	if c.Path != paths[0] || !bytes.Equal(c.State, want.State) || fmt.Sprint(c.Arrays) != fmt.Sprint(want.Arrays) {
		t.Errorf("read %+v, want %+v from %s", c, want, paths[0])
	}
	if n, err := d.MakeRoom(); n != 1 || err != nil {
		t.Errorf("MakeRoom removed %d, error %v, want 1", n, err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir, ".checkpoint-000000009.safetensors.tmp-a1"), []byte("part"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if _, _, err := d.Newest(); !errors.Is(err, ErrNone) {
		t.Errorf("error %v of a folder that is not there, want ErrNone", err)
	}
}

// TestAnyFlippedBit flips bits all over the newest checkpoint, the version among
// them: the older, whole one is taken every time.
func TestAnyFlippedBit(t *testing.T) {
	d, paths := filled(t, 2, 2)
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(whole, []byte(`\"version\":2`)) {
		t.Fatalf("no version in %q", whole)
	}
	for bit := 0; bit < 8*len(whole); bit += 3 {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(paths[0], b, 0o666); err != nil {
			t.Fatal(err)
		}
		c, skipped, err := d.Newest()
		if err != nil {
			t.Fatalf("bit %d of byte %d (%q): %v", bit%8, bit/8, whole[max(0, bit/8-8):bit/8+1], err)
		}
		if c.Path != paths[1] {
			// A flipped bit of the names of arrays' types, for instance, must not pass either.
			t.Fatalf("bit %d of byte %d (%q) is not noticed", bit%8, bit/8, whole[max(0, bit/8-8):bit/8+1])
		}
		if len(skipped) != 1 || !errors.Is(skipped[0], ErrDamaged) || !strings.Contains(skipped[0].Error(), filepath.Base(paths[0])) {
			t.Fatalf("bit %d: skipped %v, want one that names %s", bit, skipped, paths[0])
		}
	}
}

// TestOtherVersion has a whole checkpoint of a later format as the newest.
func TestOtherVersion(t *testing.T) {
	d, _ := filled(t, 1, 2)
	later := sample(2)
	later.State = json.RawMessage(`{"version":9}`)
	if err := d.Write(later); err != nil {
		t.Fatal(err)
	}
	_, _, err := d.Newest()
	if err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "another version") || !strings.Contains(err.Error(), "format 9") {
		t.Errorf("error %v, want one about format 9", err)
	}
}

func TestAllDamaged(t *testing.T) {
	d, paths := filled(t, 3, 3)
	for _, p := range paths {
		if err := os.WriteFile(p, []byte("cut"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := d.Newest()
	if !errors.Is(err, ErrDamaged) || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "all 3 checkpoints") {
		t.Errorf("error %v, want one about 3 damaged checkpoints", err)
	}
	// What is damaged does not come back as the newest.
	if err := d.Write(sample(4)); err != nil {
		t.Fatal(err)
	}
	if c, _, err := d.Newest(); err != nil || filepath.Base(c.Path) != "checkpoint-000000004.safetensors" {
		t.Errorf("newest %+v, error %v", c, err)
	}
}
