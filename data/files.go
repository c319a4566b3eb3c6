package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// ListFiles returns the files below root whose extension is one of exts
// (with the dot, whatever the case; none means every file), in every folder,
// ordered as Python's sorted orders their paths: folder by folder, names byte
// by byte. So a list, and a split of it, is the same on every machine; fastai's
// get_image_files keeps whatever order the file system has.
//
// As in get_image_files, files and folders whose names begin with a dot are
// left out and links to folders are followed; a link that leads back into
// itself is an error. An error says what was there when nothing fits.
func ListFiles(ctx context.Context, root string, exts ...string) ([]Item, error) {
	info, err := os.Stat(root)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, mistakef(ErrNoItems, "the folder %s does not exist; give the folder that holds the pictures", root)
		}
		return nil, fmt.Errorf("data: cannot read the folder %s: %w", root, err)
	}
	if !info.IsDir() {
		return nil, mistakef(ErrNoItems, "%s is a file, not a folder; give the folder that holds the pictures, or Untar the archive first", root)
	}
	w := walker{ctx: ctx, want: make(map[string]bool, len(exts)), others: map[string]int{}}
	for _, e := range exts {
		w.want[strings.ToLower(e)] = true
	}
	if err := w.folder(root, nil); err != nil {
		return nil, err
	}
	if len(w.items) == 0 {
		return nil, mistakef(ErrNoItems, "no file below %s with one of the extensions %s; found %s", root, strings.Join(sorted(exts), " "), w.found())
	}
	return w.items, nil
}

// maxDepth bounds nested folders: more is a mistake or an attack.
const maxDepth = 128

type walker struct {
	ctx    context.Context
	want   map[string]bool // lower-case extensions; empty takes every file
	items  []Item
	others map[string]int // files left out, by extension
}

// folder visits dir; above holds the real paths of the folders it is in, to
// notice links that lead back.
func (w *walker) folder(dir string, above []string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if len(above) >= maxDepth {
		return fmt.Errorf("data: %s lies more than %d folders deep", dir, maxDepth)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if slices.Contains(above, real) {
		return fmt.Errorf("data: the link %s leads back to a folder it is in; remove the link", dir)
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	above = append(above, real)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		mode := e.Type()
		if mode&fs.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if err != nil { // a link to nowhere: opening it will say so
				w.file(path)
				continue
			}
			mode = info.Mode().Type()
		}
		switch {
		case mode.IsDir():
			if err := w.folder(path, above); err != nil {
				return err
			}
		case mode.IsRegular():
			w.file(path)
		}
	}
	return nil
}

func (w *walker) file(path string) {
	ext := strings.ToLower(filepath.Ext(path))
	if len(w.want) == 0 || w.want[ext] {
		w.items = append(w.items, Item{Path: path})
	} else {
		w.others[ext]++
	}
}

// found says which files were seen but not wanted.
func (w *walker) found() string {
	if len(w.others) == 0 {
		return "no files at all"
	}
	var exts []string
	for e := range w.others {
		exts = append(exts, e)
	}
	sort.Slice(exts, func(i, j int) bool {
		a, b := exts[i], exts[j]
		if w.others[a] != w.others[b] {
			return w.others[a] > w.others[b]
		}
		return a < b
	})
	var parts []string
	for i, e := range exts {
		if i == shown {
			parts = append(parts, "and others")
			break
		}
		name := e
		if e == "" {
			name = "(no extension)"
		}
		parts = append(parts, fmt.Sprintf("%d %s", w.others[e], name))
	}
	return strings.Join(parts, ", ")
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	sort.Strings(s)
	return s
}

// Fixed returns a Source of given items, whatever the root, opened by open:
// pictures that are drawn, embedded or held in memory.
func Fixed(items []Item, open func(Item) (*Image, error)) Source {
	return &fixed{items: items, open: open}
}

type fixed struct {
	items []Item
	open  func(Item) (*Image, error)
}

func (f *fixed) List(ctx context.Context, root string) ([]Item, error) {
	return slices.Clone(f.items), ctx.Err()
}

func (f *fixed) Open(item Item) (*Image, error) { return f.open(item) }

func (f *fixed) String() string { return plural(len(f.items), "given item") }
