//go:build !avif

package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAVIFNeedsTheTag checks that the ordinary build, given AVIF under another name, says which
// build reads it.
func TestAVIFNeedsTheTag(t *testing.T) {
	dir := avifFolder(t, 1)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.avif"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if err := os.Rename(f, strings.TrimSuffix(f, ".avif")+".png"); err != nil {
			t.Fatal(err)
		}
	}
	out, err := runCommand(t, nil, "verify", "--data", dir)
	if err == nil {
		t.Fatalf("AVIF files alone and no error:\n%s", out)
	}
	if said := out + err.Error(); !strings.Contains(said, "go install -tags avif github.com/whippet-ml/whippet/cmd/whippet@latest") {
		t.Errorf("the error does not name the build:\n%s", said)
	}
}
