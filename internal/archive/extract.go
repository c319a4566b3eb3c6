package archive

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/whippet-ml/whippet/internal/files"
)

// Extract unpacks the archive file into the folder dest, which exists and
// should be empty. The format is told by content: tar, tar in gzip, bzip2 or
// zstd, and zip. Modes, owners and times are not kept. progress, when not nil,
// is called with the archive's bytes read so far and its size.
//
// After an error dest holds an unknown part and should be removed. The error
// names the archive and the entry.
func Extract(ctx context.Context, file, dest string, limits Limits, progress func(done, total int64)) (err error) {
	defer func() {
		if r := recover(); r != nil { // decompressors are fed by strangers
			err = fmt.Errorf("it made the extraction panic: %v", r)
		}
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("cannot extract %s: %w", file, err)
		}
	}()
	f, size, err := files.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if progress == nil {
		progress = func(done, total int64) {}
	}
	return extract(ctx, f, size, dest, limits.withDefaults(), progress)
}

// extract is Extract of an open archive of the given size.
func extract(ctx context.Context, r io.ReaderAt, size int64, dest string, limits Limits, progress func(done, total int64)) error {
	s, err := newSink(ctx, dest, size, limits)
	if err != nil {
		return err
	}
	defer s.close()
	head := make([]byte, 512)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		err = s.zip(r, size, progress)
	} else {
		in := &counter{r: io.NewSectionReader(r, 0, size), total: size, progress: progress}
		err = s.tarOf(in, head)
	}
	if err != nil {
		return err
	}
	progress(size, size)
	return s.finish()
}

// counter reports how much of the archive has been read.
type counter struct {
	r           io.Reader
	done, total int64
	said        int64
	progress    func(done, total int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done += int64(n)
	if c.done-c.said >= 1<<20 {
		c.said = c.done
		c.progress(c.done, c.total)
	}
	return n, err
}

// tarOf unpacks a tar stream, decompressed by what its first bytes say.
func (s *sink) tarOf(in io.Reader, head []byte) error {
	in = bufio.NewReaderSize(in, 1<<20)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("its gzip header is damaged: %w", err)
		}
		defer z.Close()
		return s.tar(z)
	case bytes.HasPrefix(head, []byte("BZh")):
		return s.tar(bzip2.NewReader(in))
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return err
		}
		defer z.Close()
		return s.tar(z)
	case len(head) >= 262 && string(head[257:262]) == "ustar", isOldTar(head):
		return s.tar(in)
	case len(head) == 0:
		return errors.New("it is empty")
	}
	return errors.New(whatElse(head))
}

// whatElse says what a file is that is none of the archives.
func whatElse(head []byte) string {
	for magic, kind := range map[string]string{
		"7z\xbc\xaf\x27\x1c": "a 7z archive", "Rar!\x1a\x07": "a RAR archive", "\xfd7zXZ\x00": "compressed by xz", "LZIP": "compressed by lzip", "\x1f\x9d": "compressed by compress",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return "it is " + kind + ", which is not read (tar, tar.gz, tar.bz2, tar.zst and zip are); unpack it, and give the folder"
		}
	}
	for _, magic := range []string{"\xff\xd8\xff", "\x89PNG", "GIF8", "BM", "II*\x00", "MM\x00*"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return "it is a picture, not an archive; give the folder that it lies in"
		}
	}
	if bytes.HasPrefix(head, []byte("RIFF")) && bytes.Contains(head[:min(16, len(head))], []byte("WEBP")) {
		return "it is a picture, not an archive; give the folder that it lies in"
	}
	if bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")) {
		return "it is a web page, not an archive; is the address right?"
	}
	return "its first bytes are those of no archive (tar, tar.gz, tar.bz2, tar.zst, zip)"
}

// isOldTar recognizes tar headers from before 1988, which have no magic, by
// their checksum.
func isOldTar(head []byte) bool {
	if len(head) < 512 || head[0] == 0 {
		return false
	}
	_, err := tar.NewReader(bytes.NewReader(head)).Next()
	return err == nil
}

// tar unpacks a tar stream and reads it to its end, so that a compressor's
// checksum is compared and a cut archive noticed.
func (s *sink) tar(in io.Reader) error {
	// The stream is bounded besides its files: headers and padding take time
	// too, and may be as much again.
	lim := &io.LimitedReader{R: in, N: 2 * s.left}
	tr := tar.NewReader(lim)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("the archive is damaged or cut short: %w", err)
		}
		if err := s.tarEntry(h, tr); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("the archive is cut short in %q: %w", h.Name, err)
			}
			return err
		}
	}
	if _, err := s.copy(io.Discard, lim, lim.N); err != nil {
		return fmt.Errorf("the archive is damaged or cut short: %w", err)
	}
	if lim.N <= 0 {
		return s.tooMuch()
	}
	return nil
}

func (s *sink) tarEntry(h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader { // comments, as git archive writes them
		return s.ctx.Err()
	}
	if err := s.count(); err != nil {
		return err
	}
	name, err := localName(h.Name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return s.folder(name)
	case tar.TypeReg, tar.TypeGNUSparse:
		if name == "." {
			return fmt.Errorf("the entry %q is a file in place of the target folder", h.Name)
		}
		return s.file(name, h.Size, r)
	case tar.TypeSymlink:
		return s.symlink(name, h.Linkname)
	case tar.TypeLink:
		return s.hardlink(name, h.Linkname)
	}
	return fmt.Errorf("the entry %q is a device or something else that is neither file, folder nor link (type %q)", h.Name, h.Typeflag)
}

// maxZipDirectory bounds a zip file's directory in bytes, which is read into
// memory whole: about 600 000 entries.
const maxZipDirectory = 64 << 20

// zip unpacks a zip file.
func (s *sink) zip(r io.ReaderAt, size int64, progress func(done, total int64)) error {
	budget := &bounded{r: r, left: maxZipDirectory}
	z, err := zip.NewReader(budget, size)
	if err != nil {
		if budget.left < 0 {
			return errors.New("its directory is too large")
		}
		return fmt.Errorf("it is damaged or cut short: %w", err)
	}
	budget.open = true
	var done int64
	for _, f := range z.File {
		if err := s.zipEntry(f); err != nil {
			return err
		}
		done = min(size, done+int64(min(f.CompressedSize64, uint64(size))))
		progress(done, size)
	}
	return nil
}

// bounded fails once too much has been read, until open is set.
type bounded struct {
	r    io.ReaderAt
	left int64
	open bool
}

func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if !b.open {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, errors.New("the directory is too large")
		}
	}
	return b.r.ReadAt(p, off)
}

func (s *sink) zipEntry(f *zip.File) error {
	if err := s.count(); err != nil {
		return err
	}
	name, err := localName(f.Name)
	if err != nil {
		return err
	}
	mode := f.Mode()
	switch {
	case mode.IsDir():
		return s.folder(name)
	case mode&fs.ModeSymlink != 0:
		if f.UncompressedSize64 > maxNameBytes {
			return fmt.Errorf("the link %q has a target of %d bytes", f.Name, f.UncompressedSize64)
		}
	case !mode.IsRegular():
		return fmt.Errorf("the entry %q is a device or something else that is neither file, folder nor link", f.Name)
	}
	if name == "." {
		return fmt.Errorf("the entry %q is a file in place of the target folder", f.Name)
	}
	if f.UncompressedSize64 > uint64(s.limits.MaxFileBytes) {
		return fmt.Errorf("the entry %q is %d bytes, more than the %d allowed for one file", f.Name, f.UncompressedSize64, s.limits.MaxFileBytes)
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("the entry %q is damaged: %w", f.Name, err)
	}
	defer r.Close()
	if mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(r, maxNameBytes+1))
		if err != nil {
			return fmt.Errorf("the link %q is damaged: %w", f.Name, err)
		}
		return s.symlink(name, string(target))
	}
	if err := s.file(name, int64(f.UncompressedSize64), r); err != nil {
		if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("the entry %q is damaged: %w", f.Name, err)
		}
		return err
	}
	return nil
}
