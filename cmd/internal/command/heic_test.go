package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHEICFolder trains on a folder as a phone leaves it, HEIC in capitals beside
// formats that are not read, and classifies from it.
func TestHEICFolder(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	pictures, err := filepath.Glob("../../../vision/testdata/decode/heic_*.heic")
	if err != nil || len(pictures) < 20 {
		t.Fatalf("%d pictures, %v; want 20 at least", len(pictures), err)
	}
	for _, class := range []string{"cat", "dog"} {
		if err := os.MkdirAll(at("photos/"+class), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range pictures[:20] {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		class := []string{"cat", "dog"}[i%2]
		if err := os.WriteFile(at("photos/"+class+"/"+strings.ToUpper(filepath.Base(p))), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	avif := []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1miafMA1B")
	if err := os.WriteFile(at("photos/dog/IMG_1.avif"), avif, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, dir, nil, "train", "--data", "photos", "--weights", "none", "--arch", "resnet10_small", "--size", "32", "--presize", "36",
		"--batch", "4", "--epochs", "1", "--seed", "1", "--out", "run")
	if code := p.wait(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &p.out)
	}
	for _, want := range []string{"16 pictures to train on, 4 to validate on", "formats are not read: 1 .avif: convert it", "-tags avif"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("training does not say %q:\n%s", want, &p.out)
		}
	}
	if out, err := runCommand(t, nil, "predict", at("run"), at("photos/cat")); err != nil || strings.Count(out, ".HEIC\t") != 10 {
		t.Errorf("%v, want 10 answers:\n%s", err, out)
	}
	if out, err := runCommand(t, nil, "predict", at("run"), at("photos/dog/IMG_1.avif")); err == nil {
		t.Errorf("an AVIF file and no error:\n%s", out)
	}
}
