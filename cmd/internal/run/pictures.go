package run

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/files"
)

// PicturesFile is the table of the pictures of a run: which were for training
// and which for validation, and a digest of each, by which it is known again
// when it has another name, and by which it is noticed when its content changed.
const PicturesFile = "pictures.csv"

// Picture is a row of that table.
type Picture struct {
	Path     string // below the data's folder, with slashes
	Training bool   // not for validation
	Bytes    int64
	Digest   string // see digestOf; empty of a file that could not be read
}

var picturesHeader = []string{"path", "set", "bytes", "digest"}

// sampled is how much of a large file's beginning, middle and end its digest
// covers; smaller files are covered whole.
const sampled = 64 << 10

// digestOf returns a file's size and the first half of the SHA-256 of its size
// and content, in hex: of all of it up to three times sampled bytes, of the
// beginning, the middle and the end of a larger one. Compressed pictures that
// differ anywhere differ there.
func digestOf(path string) (size int64, digest string, err error) {
	f, size, err := files.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", size)
	parts := []int64{0}
	length := size
	if size > 3*sampled {
		parts, length = []int64{0, (size - sampled) / 2, size - sampled}, sampled
	}
	for _, at := range parts {
		if _, err := io.Copy(h, io.NewSectionReader(f, at, length)); err != nil {
			return 0, "", err
		}
	}
	return size, hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// Pictures returns the pictures of the loaders, training first, or none when
// they are no files.
func Pictures(ctx context.Context, dls *data.DataLoaders) ([]Picture, error) {
	var all []Picture
	var paths []string
	for _, set := range []*data.Loader{dls.Train, dls.Valid} {
		for _, it := range set.Items() {
			p := it.Path
			if rel, err := filepath.Rel(dls.Root, p); err == nil && filepath.IsLocal(rel) {
				p = rel
			}
			all = append(all, Picture{Path: filepath.ToSlash(p), Training: set == dls.Train})
			paths = append(paths, it.Path)
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	if _, err := os.Stat(paths[0]); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(all), 2*runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				// A file that cannot be read is the loaders' to judge.
				all[i].Bytes, all[i].Digest, _ = digestOf(paths[i])
			}
		})
	}
	wg.Wait()
	return all, ctx.Err()
}

// RecordPictures notes the pictures of a run that begins.
func (o *Output) RecordPictures(ctx context.Context, dls *data.DataLoaders) error {
	pictures, err := Pictures(ctx, dls)
	if err != nil || pictures == nil {
		return err
	}
	err = files.WriteFile(filepath.Join(o.partial, PicturesFile), func(w io.Writer) error {
		c := csv.NewWriter(w)
		_ = c.Write(picturesHeader) // errors stay with the writer
		for _, p := range pictures {
			set := "valid"
			if p.Training {
				set = "train"
			}
			_ = c.Write([]string{p.Path, set, strconv.FormatInt(p.Bytes, 10), p.Digest})
		}
		c.Flush()
		return c.Error()
	})
	if err != nil {
		return fmt.Errorf("noting the run's pictures: %w", err)
	}
	return nil
}

// CheckPictures returns an error when pictures of a run that is resumed have
// changed under their names, are gone or are new: it would end in another model than the run that
// was interrupted. Runs of older versions, which noted none, pass.
func (o *Output) CheckPictures(ctx context.Context, dls *data.DataLoaders) error {
	first, err := ReadPictures(filepath.Join(o.partial, PicturesFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	noted := make(map[string]string, len(first))
	for _, p := range first {
		noted[p.Path] = p.Digest
	}
	now, err := Pictures(ctx, dls)
	if err != nil {
		return err
	}
	var changed, added, gone []string
	for _, p := range now {
		switch was, there := noted[p.Path]; {
		case !there:
			added = append(added, p.Path)
		case was != p.Digest:
			changed = append(changed, p.Path)
		}
		delete(noted, p.Path)
	}
	for _, p := range first {
		if _, left := noted[p.Path]; left && now != nil {
			gone = append(gone, p.Path)
		}
	}
	const put = "restore them to resume, or start a new run"
	switch {
	case len(changed) > 0:
		return fmt.Errorf("changed since the run began: %d of %d pictures (%s): %s", len(changed), len(now), few(changed), put)
	case len(gone) > 0 && len(added) > 0:
		return fmt.Errorf("gone since the run began: %d of %d pictures (%s); new: %d (%s): %s", len(gone), len(first), few(gone), len(added), few(added), put)
	case len(gone) > 0:
		return fmt.Errorf("gone since the run began: %d of %d pictures (%s): %s", len(gone), len(first), few(gone), put)
	case len(added) > 0:
		return fmt.Errorf("new since the run began with %d pictures: %d (%s): move them away to resume, or start a new run", len(first), len(added), few(added))
	}
	return nil
}

// few joins at most five names.
func few(names []string) string {
	const shown = 5
	s := strings.Join(names[:min(len(names), shown)], ", ")
	if n := len(names); n > shown {
		s += fmt.Sprintf(" and %d more", n-shown)
	}
	return s
}

// maxPictures bounds the table of a run's pictures, in bytes.
const maxPictures = 1 << 30

// ReadPictures reads the table of a run's pictures.
func ReadPictures(path string) ([]Picture, error) {
	f, size, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxPictures {
		return nil, fmt.Errorf("%s has %d bytes; no run's table of pictures has more than %d", path, size, maxPictures)
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], size-1); err != nil || last[0] != '\n' {
		return nil, fmt.Errorf("%s is cut short: the run's own table of its pictures is damaged; remove it to go on without it", path)
	}
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.ReuseRecord = len(picturesHeader), true
	var all []Picture
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if row[0] == picturesHeader[0] && row[1] == picturesHeader[1] {
			continue
		}
		n, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil || row[1] != "train" && row[1] != "valid" {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("%s line %d: want a path, train or valid, a number of bytes and a digest", path, line)
		}
		all = append(all, Picture{Path: row[0], Training: row[1] == "train", Bytes: n, Digest: row[3]})
	}
}
