package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// onlyFile fails when anything but name is in dir: a temporary file left over.
func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func TestWriteFileCreatesAndReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.bin")
	long := strings.Repeat("x", 3*bufferSize+1)
	for _, want := range []string{"first", long, ""} {
		if err := WriteFile(path, text(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Fatalf("content has %d bytes, want %d", len(got), len(want))
		}
		onlyFile(t, dir, "model.bin")
	}
}

func TestWriteFileFailureKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.bin")
	if err := WriteFile(path, text("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := WriteFile(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("half", bufferSize)); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not wrap the cause and name the path", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = WriteFile(path, func(io.Writer) error { panic("bug in the caller") })
	}()
	if got := content(t, path); got != "old" {
		t.Errorf("content is %q, want the old one", got)
	}
	onlyFile(t, dir, "model.bin")
}

func TestWriteFileErrors(t *testing.T) {
	dir := t.TempDir()
	if err := WriteFile(filepath.Join(dir, "absent", "x"), text("a")); err == nil {
		t.Error("a missing directory gave no error")
	}
	if err := WriteFile(dir, text("a")); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("a directory as target gave %v", err)
	}
}

func TestWriteFileModeAndLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("POSIX modes and links")
	}
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a"), filepath.Join(dir, "l")
	if err := os.WriteFile(path, []byte("1"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, text("2")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if content(t, path) != "2" || info.Mode().Perm() != 0o640 {
		t.Errorf("target has %q, mode %v; want \"2\", -rw-r-----", content(t, path), info.Mode())
	}
	if l, err := os.Lstat(link); err != nil || l.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", l, err)
	}
}

func TestRemoveLeftovers(t *testing.T) {
	dir := t.TempDir()
	f, err := createTemp(filepath.Join(dir, "checkpoint-7"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil { // as after kill -9: the file stays
		t.Fatal(err)
	}
	keep := []string{"checkpoint-7", ".checkpoint-7", ".other.tmp-abc", "checkpoint-7.tmp-abc"}
	for _, name := range keep {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveLeftovers(dir, "checkpoint-"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(keep) {
		t.Errorf("%d files are left, want %d; %v", len(entries), len(keep), err)
	}
	if err := RemoveLeftovers(filepath.Join(dir, "absent"), ""); err != nil {
		t.Errorf("an absent folder gives %v", err)
	}
}
