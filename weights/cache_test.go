package weights

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// SHA-256 of "abc" begins with ba7816bf (FIPS 180-2, appendix B.1).
const abcName = "net-ba7816bf.pth"

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyHashInName(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, content, want string }{
		{abcName, "abc", ""},
		{"net-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.safetensors", "abc", ""},
		{"net-ba7816b0.pth", "abc", "its name says ba7816b0"},
		{"net.pth", "abc", "no hash"},
		{"net-ba7816.pth", "abc", "no hash"},
	} {
		path := filepath.Join(dir, c.name)
		put(t, path, c.content)
		err := VerifyHashInName(path)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if got := HashInName("https://download.pytorch.org/models/resnet34-b627a593.pth"); got != "b627a593" {
		t.Errorf("HashInName = %q", got)
	}
}

func TestCached(t *testing.T) {
	const address = "https://example.org/models/" + abcName
	calls := 0
	serve := func(content string, err error) Fetcher {
		return func(_ context.Context, url string, w io.Writer) error {
			calls++
			if url != address {
				t.Errorf("asked for %s", url)
			}
			if _, err := io.WriteString(w, content); err != nil {
				return err
			}
			return err
		}
	}
	ctx := context.Background()
	dir, other := filepath.Join(t.TempDir(), "deep", "cache"), t.TempDir()
	path := filepath.Join(dir, abcName)

	if _, err := Cached(ctx, address, dir, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), address) {
		t.Errorf("without a fetcher: %v", err)
	}
	if _, err := Cached(ctx, address, dir, serve("abd", nil)); err == nil {
		t.Error("a wrong download was accepted")
	}
	boom := errors.New("connection lost")
	if _, err := Cached(ctx, address, dir, serve("ab", boom)); !errors.Is(err, boom) {
		t.Errorf("a failed download gives %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed download left a file: %v", err)
	}
	put(t, filepath.Join(other, abcName), "abc")
	calls = 0
	if got, err := Cached(ctx, address, dir, serve("abc", nil), other); err != nil || got != filepath.Join(other, abcName) || calls != 0 {
		t.Errorf("the other folder: %s, %v, %d downloads", got, err, calls)
	}
	put(t, path, "damaged")
	if got, err := Cached(ctx, address, dir, serve("abc", nil)); err != nil || got != path || calls != 1 {
		t.Errorf("replacing a damaged file: %s, %v, %d downloads", got, err, calls)
	}
	if got, err := Cached(ctx, address, dir, serve("abc", nil)); err != nil || got != path || calls != 1 {
		t.Errorf("the second time: %s, %v, %d downloads", got, err, calls)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Cached(canceled, address, t.TempDir(), serve("abc", nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	for _, bad := range []string{"https://example.org", "https://example.org/", "https://example.org/a/..", "://", `https://example.org/C:\x`} {
		if got, err := Cached(ctx, bad, dir, serve("abc", nil)); err == nil {
			t.Errorf("%s: %s", bad, got)
		}
	}
}

func TestTorchCache(t *testing.T) {
	t.Setenv("TORCH_HOME", "")
	t.Setenv("XDG_CACHE_HOME", filepath.Join("x", "cache"))
	if got, want := TorchCache(), filepath.Join("x", "cache", "torch", "hub", "checkpoints"); got != want {
		t.Errorf("by XDG_CACHE_HOME: %s, want %s", got, want)
	}
	t.Setenv("TORCH_HOME", "th")
	if got, want := TorchCache(), filepath.Join("th", "hub", "checkpoints"); got != want {
		t.Errorf("by TORCH_HOME: %s, want %s", got, want)
	}
}
