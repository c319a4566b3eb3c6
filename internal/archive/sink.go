package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// sink receives an archive's entries and writes them below one folder. All
// paths go through os.Root, so that not even a link that an earlier entry made
// leads out.
type sink struct {
	ctx    context.Context
	root   *os.Root
	limits Limits
	left   int64 // bytes that may still be written
	files  int
	links  []string

	dir    *os.Root // the folder of the last file, as most files follow one in theirs
	dirFor string
	buf    []byte
}

func newSink(ctx context.Context, dest string, size int64, limits Limits) (*sink, error) {
	root, err := os.OpenRoot(dest)
	if err != nil {
		return nil, err
	}
	return &sink{ctx: ctx, root: root, limits: limits, left: limits.total(size), buf: make([]byte, 256<<10)}, nil
}

func (s *sink) close() {
	if s.dir != nil {
		s.dir.Close()
	}
	s.root.Close()
}

// count takes note of one more entry.
func (s *sink) count() error {
	if s.files++; s.files > s.limits.MaxFiles {
		return fmt.Errorf("it holds more than %d files", s.limits.MaxFiles)
	}
	return s.ctx.Err()
}

func (s *sink) folder(name string) error {
	if name == "." {
		return nil
	}
	return s.root.MkdirAll(filepath.FromSlash(name), 0o755)
}

// parent opens the folder that name is in, making it first.
func (s *sink) parent(name string) (*os.Root, error) {
	dir := path.Dir(name)
	if dir == "." {
		return s.root, nil
	}
	if s.dir != nil && s.dirFor == dir {
		return s.dir, nil
	}
	if err := s.folder(dir); err != nil {
		return nil, err
	}
	r, err := s.root.OpenRoot(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	if s.dir != nil {
		s.dir.Close()
	}
	s.dir, s.dirFor = r, dir
	return r, nil
}

// file writes one file of the size that the archive states.
func (s *sink) file(name string, size int64, r io.Reader) error {
	if size < 0 {
		return fmt.Errorf("the entry %q states the size %d", name, size)
	}
	if size > s.limits.MaxFileBytes {
		return fmt.Errorf("the entry %q is %d bytes, more than the %d allowed for one file", name, size, s.limits.MaxFileBytes)
	}
	if size > s.left {
		return s.tooMuch()
	}
	dir, err := s.parent(name)
	if err != nil {
		return err
	}
	base := path.Base(name)
	// An entry that comes twice replaces the first, and does not write through
	// it when the first was a link.
	if err := dir.Remove(base); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := dir.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	n, err := s.copy(f, r, size)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && n != size {
		err = fmt.Errorf("the entry %q has %d bytes and states %d", name, n, size)
	}
	return err
}

func (s *sink) tooMuch() error {
	return fmt.Errorf("it unpacks to more than the limit allows (%d files so far); is it what it claims to be?", s.files)
}

// copy writes at most size bytes of r and one more to notice that there are
// more, looking at the context between buffers.
func (s *sink) copy(w io.Writer, r io.Reader, size int64) (n int64, err error) {
	for {
		if err := s.ctx.Err(); err != nil {
			return n, err
		}
		k, err := r.Read(s.buf)
		n += int64(k)
		if n > size {
			return n, errors.New("an entry has more bytes than it states")
		}
		s.left -= int64(k)
		if k > 0 {
			if _, err := w.Write(s.buf[:k]); err != nil {
				return n, err
			}
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// symlink makes a link if it leads inside the target folder by its text;
// finish looks where it really leads.
func (s *sink) symlink(name, target string) error {
	refuse := func() error { return fmt.Errorf("the link %q leads out of the target folder, to %q", name, target) }
	if target == "" || len(target) > maxNameBytes || path.IsAbs(target) || filepath.IsAbs(target) || strings.ContainsAny(target, "\x00\\") {
		return refuse()
	}
	if !filepath.IsLocal(filepath.FromSlash(path.Join(path.Dir(name), target))) {
		return refuse()
	}
	dir, err := s.parent(name)
	if err != nil {
		return err
	}
	if err := dir.Remove(path.Base(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.links = append(s.links, name)
	return dir.Symlink(filepath.FromSlash(target), path.Base(name))
}

// hardlink makes name another name of an earlier entry.
func (s *sink) hardlink(name, target string) error {
	target, err := localName(target)
	if err != nil {
		return fmt.Errorf("the link %q: %w", name, err)
	}
	if info, err := s.root.Lstat(filepath.FromSlash(target)); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("the link %q is to %q, which is not an earlier file of the archive", name, target)
	}
	if name == target {
		return nil
	}
	if err := s.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := s.root.Remove(filepath.FromSlash(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.Link(filepath.FromSlash(target), filepath.FromSlash(name))
}

// finish refuses links that lead out by way of other links: ones that cannot
// be followed inside the folder, except to nothing.
func (s *sink) finish() error {
	if s.files == 0 {
		return errors.New("it holds no files")
	}
	for _, name := range s.links {
		if _, err := s.root.Stat(filepath.FromSlash(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the link %q leads out of the target folder or in a circle: %w", name, err)
		}
	}
	return nil
}
