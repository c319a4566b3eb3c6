package command

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// avifFolder makes a folder of two classes with n AVIF pictures each.
func avifFolder(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	pictures, err := filepath.Glob("../../../vision/avif/testdata/*.avif")
	if err != nil || len(pictures) < 2*n {
		t.Fatalf("%d pictures, %v; want %d at least", len(pictures), err, 2*n)
	}
	for i, p := range pictures[:2*n] {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, []string{"cat", "dog"}[i%2], filepath.Base(p))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestAVIFBuild builds the command with the one tag, and trains and predicts with AVIF pictures alone.
func TestAVIFBuild(t *testing.T) {
	slow.Test(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "whippet")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-tags", "avif", "-o", program, "../../whippet")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whippet := func(args ...string) string {
		t.Helper()
		c := exec.Command(program, args...)
		c.Dir = dir
		var said bytes.Buffer
		c.Stdout, c.Stderr = &said, &said
		if err := c.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, &said)
		}
		return said.String()
	}
	data := avifFolder(t, 10)
	if out := whippet("verify", "--data", data); !strings.Contains(out, "20") {
		t.Errorf("verify:\n%s", out)
	}
	out := whippet("train", "--data", data, "--weights", "none", "--arch", "resnet10_small", "--size", "32", "--presize", "36",
		"--batch", "4", "--epochs", "1", "--seed", "1", "--out", "run")
	if !strings.Contains(out, "16 pictures to train on, 4 to validate on") {
		t.Errorf("train:\n%s", out)
	}
	if out := whippet("predict", "run", filepath.Join(data, "cat")); strings.Count(out, ".avif\t") != 10 {
		t.Errorf("predict:\n%s", out)
	}
}
