package weights

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
)

// hashInName is torchvision's rule for published files, NAME-HASH.pth, where
// HASH is the first eight or more hexadecimal digits of the file's SHA-256
// (HASH_REGEX of torch.hub).
var hashInName = regexp.MustCompile(`-([0-9a-f]{8,64})\.[A-Za-z]+$`)

// ErrNoHash says that a file name does not carry a hash.
var ErrNoHash = errors.New("the file name carries no hash, as in resnet34-b627a593.pth")

// HashInName returns the hexadecimal digits with which a published file's
// SHA-256 begins, from its name or URL, or "" when the name has none.
func HashInName(name string) string {
	m := hashInName.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return m[1]
}

// VerifyHashInName compares the SHA-256 of the file with the digits that its
// name carries. It returns ErrNoHash (wrapped) when there are none, and an
// error with both values when they differ. The file is streamed.
func VerifyHashInName(path string) error {
	want := HashInName(filepath.Base(path))
	if want == "" {
		return fmt.Errorf("weights: %s: %w", path, ErrNoHash)
	}
	f, _, err := files.Open(path)
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("weights: %s: %w", path, err)
	}
	return compareHash(path, want, h.Sum(nil))
}

func compareHash(path, want string, sum []byte) error {
	if got := hex.EncodeToString(sum); !strings.HasPrefix(got, want) {
		return fmt.Errorf("weights: %s: its SHA-256 is %s, its name says %s: the file is damaged or not the published one; delete it and download it again", path, got, want)
	}
	return nil
}

// Fetcher writes the content of a URL to w. It is how this package reaches the
// network, which it does not do by itself.
type Fetcher func(ctx context.Context, url string, w io.Writer) error

// Cached returns the path of the published weight file at address (a URL whose
// last element is its name) in the folder dir. A file that is there already,
// or in one of the other folders, is used when its hash is right; otherwise
// fetch downloads it to dir, where it appears only when it is complete and its
// hash, if its name has one, is right. A damaged file in dir is replaced;
// damaged files elsewhere are left alone.
func Cached(ctx context.Context, address, dir string, fetch Fetcher, others ...string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" || strings.ContainsAny(name, `\:`) || name == ".." {
		return "", fmt.Errorf("weights: the address %s does not end in a file name", quote(address))
	}
	for _, d := range append([]string{dir}, others...) {
		file := filepath.Join(d, name)
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := VerifyHashInName(file); err == nil || errors.Is(err, ErrNoHash) {
			return file, nil
		}
	}
	if fetch == nil {
		return "", fmt.Errorf("weights: %s is not in %s; download it from %s: %w", name, dir, address, fs.ErrNotExist)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	file := filepath.Join(dir, name)
	err = files.WriteFile(file, func(w io.Writer) error {
		h := sha256.New()
		if err := fetch(ctx, address, io.MultiWriter(w, h)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return compareHash(address, HashInName(name), h.Sum(nil))
	})
	if err != nil {
		return "", fmt.Errorf("weights: downloading %s: %w", address, err)
	}
	return file, nil
}

// TorchCache returns the folder in which PyTorch keeps the weights that it has
// downloaded (torch.hub: $TORCH_HOME, $XDG_CACHE_HOME/torch or ~/.cache/torch,
// and hub/checkpoints in it), for the others of Cached; "" when there is no
// home directory.
func TorchCache() string {
	home := os.Getenv("TORCH_HOME")
	if home == "" {
		base := os.Getenv("XDG_CACHE_HOME")
		if base == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				return ""
			}
			base = filepath.Join(user, ".cache")
		}
		home = filepath.Join(base, "torch")
	}
	return filepath.Join(home, "hub", "checkpoints")
}
