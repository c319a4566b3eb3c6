//go:build unix

package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("file"), []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "file", "to pipe": "pipe", "circle": "circle", "nowhere": "none"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, says := range map[string]string{at("pipe"): "a pipe", at("to pipe"): "a pipe", dir: "a folder", "/dev/zero": "a device", at("circle"): "too many", at("nowhere"): "no such file"} {
		if _, _, err := Open(path); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error %v does not say %q", path, err, says)
		}
	}
	if _, _, err := Open(at("none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for _, name := range []string{"file", "link"} {
		f, size, err := Open(at(name))
		if err != nil || size != 4 {
			t.Errorf("%s: size %d, %v", name, size, err)
			continue
		}
		f.Close()
	}
}
