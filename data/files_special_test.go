//go:build unix

package data

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestSpecialFiles: what is called like a picture and is no file is left out, and
// said to be.
func TestSpecialFiles(t *testing.T) {
	root := write(t, map[string][]byte{"a.png": {1}, ".b.png": {1}, "._a.png": {1}, ".txt": {1}})
	for _, name := range []string{"p.png", "q.png"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o600); err != nil {
			t.Skip("no pipes here:", err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(root, "s.png"))
	if err != nil {
		t.Skip("no sockets here:", err)
	}
	defer l.Close()
	for name, to := range map[string]string{"d.png": os.DevNull, "link.png": "p.png"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	o := ListOptions{Extensions: []string{".png"}}
	items, notes, err := ListFilesNoted(context.Background(), root, o)
	want := []string{"1 hidden picture left out, as the name begins with a dot", "left out, as they are no files: 1 device, 3 pipes, 1 socket"}
	if err != nil || len(items) != 1 || !slices.Equal(notes, want) {
		t.Errorf("%v, %q, %v; want a.png and %q", items, notes, err, want)
	}
	if err := os.Remove(filepath.Join(root, "a.png")); err != nil {
		t.Fatal(err)
	}
	if _, _, err = ListFilesNoted(context.Background(), root, o); err == nil || !strings.Contains(err.Error(), want[1]) {
		t.Errorf("error %v, want one with %q", err, want[1])
	}
}
