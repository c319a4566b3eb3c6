package hub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/whippet-ml/whippet/internal/files"
)

// store is the folder of one repository in the cache.
type store struct{ dir string }

func (s store) blob(etag string) string { return filepath.Join(s.dir, "blobs", etag) }
func (s store) snapshot(commit, file string) string {
	return filepath.Join(s.dir, "snapshots", commit, file)
}
func (s store) ref(revision string) string {
	return filepath.Join(s.dir, "refs", filepath.FromSlash(revision))
}

func isCommit(s string) bool { return commit.MatchString(s) }

func isSHA256(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64 && s == strings.ToLower(s)
}

// find returns the file of the commit that the revision is known to stand for.
func (s store) find(revision, file string) (path, commit string, ok bool) {
	commit = revision
	if b, err := readShort(s.ref(revision)); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	if !plain.MatchString(commit) {
		return "", "", false
	}
	path = s.snapshot(commit, file)
	info, err := os.Stat(path)
	return path, commit, err == nil && info.Mode().IsRegular()
}

func readShort(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > 256 {
		return nil, fs.ErrInvalid
	}
	return os.ReadFile(path)
}

// intact compares a file's content with its name among the blobs, when that is a
// hash; a file that is no link to one is taken as it is.
func (s store) intact(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	f, size, err := files.Open(real)
	if err != nil {
		return err
	}
	defer f.Close()
	var h hash.Hash
	switch name := filepath.Base(real); {
	case isSHA256(name):
		h = sha256.New()
	case isCommit(name):
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", size)
	default:
		return nil
	}
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != filepath.Base(real) {
		return fmt.Errorf("%s is damaged: the hash of its content is %s", real, got)
	}
	return nil
}

// prepare makes the folders for a file of a commit.
func (s store) prepare(commit string) error {
	for _, d := range []string{filepath.Join(s.dir, "blobs"), filepath.Join(s.dir, "refs"), filepath.Join(s.dir, "snapshots", commit)} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return err
		}
	}
	// Backup programs pass a folder by that has this file (bford.info/cachedir).
	tag := filepath.Join(filepath.Dir(s.dir), "CACHEDIR.TAG")
	if _, err := os.Stat(tag); errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(tag, []byte("Signature: 8a477f597d28d172789f06886806bc55\n# This folder holds downloads of models that can be had again.\n"), 0o666)
	}
	return nil
}

// link makes the file of a snapshot: a link to the blob, or where the system has no
// links, the blob itself, as huggingface_hub does.
func (s store) link(blob, path string) error {
	to, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	if got, err := os.Readlink(path); err == nil && got == to {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = os.Symlink(to, path)
	if err == nil || errors.Is(err, fs.ErrExist) { // another process was faster
		return nil
	}
	return os.Rename(blob, path)
}

// setRef notes the commit that a revision stands for.
func (s store) setRef(revision, commit string) error {
	if revision == commit {
		return nil
	}
	path := s.ref(revision)
	if b, err := readShort(path); err == nil && string(b) == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return files.WriteFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, commit)
		return err
	})
}

// isPointer reports whether a file is what Git keeps in place of one that LFS has.
func isPointer(path string) bool {
	f, size, err := files.Open(path)
	if err != nil || size > 1024 {
		return false
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := io.ReadFull(f, head)
	return bytes.HasPrefix(head[:n], []byte("version https://git-lfs.github.com/"))
}
