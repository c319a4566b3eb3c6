package vision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/data"
)

// ImageExtensions are the file name extensions, in lower case, that Files
// takes for pictures. What a file really is, its content tells when it is
// opened.
var ImageExtensions = []string{
	".bmp", ".dib", ".gif", ".jfif", ".jif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp",
}

// ImageFiles is the source of all image files below a folder, with default
// options: fastai's get_image_files.
var ImageFiles = Files{}

// Files is a data.Source of image files: every file below the root whose name
// ends in one of the extensions, in any case, sorted by path, so that a split
// is the same on every machine (fastai takes the order of the file system).
// Hidden files and folders (names that start with a dot) are left out, and so
// are files of other kinds, such as the .mat files of Oxford Pets.
type Files struct {
	// Folders limits the search to these folders directly below the root, and
	// leaves out files in the root itself; empty means all. It is get_image_files's parameter of that name.
	Folders []string
	// Extensions replaces ImageExtensions; each starts with a dot.
	Extensions []string
	// Flat leaves out folders below the root (recurse=False).
	Flat bool
	// Decode bounds and directs decoding.
	Decode DecodeOptions
}

// List returns the image files below root, sorted by path. Symbolic links to
// files and folders are followed, as fastai does; a folder is visited once.
// It fails when root is not a folder or holds no picture at all.
func (f Files) List(ctx context.Context, root string) ([]data.Item, error) {
	st, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("looking for pictures: %w", err)
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("looking for pictures: %s is a file; give the folder that holds the pictures", root)
	}
	l := lister{ctx: ctx, f: f, exts: f.Extensions, seen: map[string]bool{}}
	if len(l.exts) == 0 {
		l.exts = ImageExtensions
	}
	if err := l.walk(root, 0); err != nil {
		return nil, err
	}
	if len(l.items) == 0 {
		return nil, fmt.Errorf("no pictures in %s: of %d files none ends in %s", root, l.others, strings.Join(l.exts, " "))
	}
	slices.SortFunc(l.items, func(a, b data.Item) int { return strings.Compare(a.Path, b.Path) })
	return l.items, nil
}

// Open decodes one file.
func (f Files) Open(item data.Item) (*data.Image, error) { return DecodeFile(item.Path, f.Decode) }

// Check reads the header of one file, without decoding it, so that most
// damaged files are found before training starts. It returns the size that
// Open will give.
func (f Files) Check(item data.Item) (width, height int, err error) {
	info, err := CheckFile(item.Path, f.Decode)
	if err != nil {
		return 0, 0, err
	}
	if info.Orientation >= 5 && !f.Decode.IgnoreOrientation {
		return info.Height, info.Width, nil
	}
	return info.Width, info.Height, nil
}

// String describes the source.
func (f Files) String() string { return "ImageFiles" }

type lister struct {
	ctx    context.Context
	f      Files
	exts   []string
	seen   map[string]bool // folders by real path, against circles of links
	items  []data.Item
	others int
}

func (l *lister) walk(dir string, depth int) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("looking for pictures: %w", err)
	}
	if l.seen[real] {
		return nil
	}
	l.seen[real] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for pictures: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(dir, name)
		mode := e.Type()
		if mode&fs.ModeSymlink != 0 {
			st, err := os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue // a dangling link
			}
			if err != nil {
				return fmt.Errorf("looking for pictures: %w", err)
			}
			mode = st.Mode().Type()
		}
		switch {
		case mode.IsDir():
			if l.f.Flat || depth == 0 && len(l.f.Folders) > 0 && !slices.Contains(l.f.Folders, name) {
				continue
			}
			if err := l.walk(path, depth+1); err != nil {
				return err
			}
		case depth == 0 && len(l.f.Folders) > 0:
			l.others++
		case mode.IsRegular() && slices.Contains(l.exts, strings.ToLower(filepath.Ext(name))):
			l.items = append(l.items, data.Item{Path: path})
		default:
			l.others++
		}
	}
	return nil
}
