package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// ListOptions says which files ListFiles takes; the zero value takes all.
type ListOptions struct {
	// Extensions, with the dot and in any case; none means every file.
	Extensions []string
	// Folders limits the search to these folders directly below the root, and
	// leaves out files in the root itself; none means all.
	Folders []string
	// Flat leaves out folders below the root.
	Flat bool
	// ByContent decides about files whose names do not tell what they are: no
	// extension, or one that no program gives (img.0001, photo.jpg_large); nil
	// leaves them out.
	ByContent func(path string) bool
	// Unread has the extensions, in lower case, of pictures that are left out because
	// nothing reads their formats, and what to do with such files. Notes and errors
	// tell them from what is no picture.
	Unread map[string]string
}

// ListFiles returns the files below root, in every folder, ordered as Python's
// sorted orders their paths: folder by folder, names byte by byte. So a list,
// and a split of it, is the same on every machine; fastai's get_image_files
// keeps whatever order the file system has.
//
// As in get_image_files, files and folders whose names begin with a dot are
// left out and links to folders are followed; a folder is visited once, however
// many links lead to it, which a note of ListFilesNoted says. Pipes, sockets and devices are never taken. A link to nothing is listed, so that opening it fails.
// The error says what was there when nothing fits.
func ListFiles(ctx context.Context, root string, o ListOptions) ([]Item, error) {
	items, _, err := ListFilesNoted(ctx, root, o)
	return items, err
}

// ListFilesNoted is ListFiles, with a note of what was left out, if anything
// was, and of what was taken by its content.
func ListFilesNoted(ctx context.Context, root string, o ListOptions) ([]Item, []string, error) {
	w, err := walk(ctx, root, o)
	if err != nil {
		return nil, nil, err
	}
	notes := w.leftOut()
	if len(w.items) == 0 {
		what := "no files at all"
		if len(w.others) > 0 {
			what = found(w.others)
		}
		if len(notes) > 0 {
			what += " (" + strings.Join(notes, "; ") + ")"
		}
		return nil, nil, mistakef(ErrNoItems, "no pictures in %s: found %s, and none of %s", root, what, w.wanted())
	}
	if w.byContent > 0 {
		notes = slices.Insert(notes, 0, fmt.Sprintf("%s told by the content, as the name does not say what it is", plural(w.byContent, "picture")))
	}
	if len(w.others) > 0 {
		notes = append(notes, fmt.Sprintf("files left out that are not pictures: %s", found(w.others)))
	}
	return w.items, notes, nil
}

// leftOut says in a note each what was left out though it may be a picture, or
// looks like a file.
func (w *walker) leftOut() (notes []string) {
	if len(w.unread) > 0 {
		exts := map[string]map[string]int{} // by what to do
		for e, n := range w.unread {
			do := w.o.Unread[e]
			if exts[do] == nil {
				exts[do] = map[string]int{}
			}
			exts[do][e] = n
		}
		var parts []string
		for _, do := range slices.Sorted(maps.Keys(exts)) {
			parts = append(parts, found(exts[do])+": "+do)
		}
		notes = append(notes, "pictures left out, as their formats are not read: "+strings.Join(parts, "; "))
	}
	if w.hidden > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, as the name begins with a dot", plural(w.hidden, "hidden picture")))
	}
	if w.again > 0 {
		notes = append(notes, fmt.Sprintf("%s left out, whose pictures are listed already", plural(w.again, "linked folder")))
	}
	if len(w.special) > 0 {
		var parts []string
		for _, kind := range slices.Sorted(maps.Keys(w.special)) {
			parts = append(parts, plural(w.special[kind], kind))
		}
		notes = append(notes, "left out, as they are no files: "+strings.Join(parts, ", "))
	}
	return notes
}

// kindOf names what is neither a file nor a folder.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// walk goes through the folders below root.
func walk(ctx context.Context, root string, o ListOptions) (*walker, error) {
	info, err := os.Stat(root)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &mistake{ErrNoItems, fmt.Sprintf("the folder %s does not exist; give the folder that holds the pictures", root), err}
		}
		return nil, fmt.Errorf("data: cannot read the folder %s: %w", root, err)
	}
	if !info.IsDir() {
		return nil, mistakef(ErrNoItems, "%s is a file, not a folder; give the folder that holds the pictures, or Untar the archive first", root)
	}
	w := &walker{ctx: ctx, o: o, want: make(map[string]bool, len(o.Extensions)), seen: map[string]bool{}, others: map[string]int{}, unread: map[string]int{}, special: map[string]int{}}
	for _, e := range o.Extensions {
		w.want[strings.ToLower(e)] = true
	}
	return w, w.folder(root, 0)
}

// maxDepth bounds nested folders: more is a mistake or an attack.
const maxDepth = 128

type walker struct {
	ctx    context.Context
	o      ListOptions
	want   map[string]bool // lower-case extensions; empty takes every file
	seen   map[string]bool // folders by their real paths
	items  []Item
	others map[string]int // files left out that are not pictures, by extension
	unread map[string]int // pictures left out

	byContent int            // files taken by their content
	hidden    int            // pictures left out whose names begin with a dot
	special   map[string]int // what is neither file nor folder, by kind
	again     int            // links to folders that were visited already
}

func (w *walker) folder(dir string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth >= maxDepth {
		return fmt.Errorf("data: %s lies more than %d folders deep", dir, maxDepth)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if w.seen[real] {
		w.again++
		return nil
	}
	w.seen[real] = true
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			// macOS writes "._NAME" beside NAME on disks of other systems.
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), "._") && w.want[strings.ToLower(filepath.Ext(e.Name()))] {
				w.hidden++
			}
			continue
		}
		path := filepath.Join(dir, e.Name())
		mode := e.Type()
		if mode&fs.ModeSymlink != 0 {
			mode = 0 // a link to nothing counts as a file
			if info, err := os.Stat(path); err == nil {
				mode = info.Mode().Type()
			}
		}
		switch top := depth == 0 && len(w.o.Folders) > 0; {
		case mode.IsDir():
			if w.o.Flat || top && !slices.Contains(w.o.Folders, e.Name()) {
				continue
			}
			if err := w.folder(path, depth+1); err != nil {
				return err
			}
		case top:
		case mode.IsRegular():
			w.file(path)
		default:
			w.special[kindOf(mode)]++
		}
	}
	return nil
}

func (w *walker) file(path string) {
	ext := strings.ToLower(filepath.Ext(path))
	switch {
	case len(w.want) == 0 || w.want[ext]:
		w.items = append(w.items, Item{Path: path})
	case w.o.ByContent != nil && !tells(ext) && w.o.ByContent(path):
		w.items = append(w.items, Item{Path: path})
		w.byContent++
	case w.o.Unread[ext] != "":
		w.unread[ext]++
	case !tells(ext):
		w.others[""]++
	default:
		w.others[ext]++
	}
}

// tells reports whether an extension, with its dot and in lower case, is one
// that says what a file is: one to five letters and digits, a letter among them.
func tells(ext string) bool {
	letter := false
	for _, r := range strings.TrimPrefix(ext, ".") {
		switch {
		case r >= 'a' && r <= 'z':
			letter = true
		case r < '0' || r > '9':
			return false
		}
	}
	return letter && len(ext) <= 6
}

// found says which files were seen but not wanted.
func found(others map[string]int) string {
	var exts []string
	for e := range others {
		exts = append(exts, e)
	}
	sort.Slice(exts, func(i, j int) bool {
		a, b := exts[i], exts[j]
		if others[a] != others[b] {
			return others[a] > others[b]
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
		parts = append(parts, fmt.Sprintf("%d %s", others[e], name))
	}
	return strings.Join(parts, ", ")
}

// wanted says which files were looked for.
func (w *walker) wanted() string {
	if len(w.want) == 0 {
		return "those looked for"
	}
	return strings.Join(slices.Sorted(maps.Keys(w.want)), " ")
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
