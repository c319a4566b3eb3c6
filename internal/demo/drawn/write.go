package drawn

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/parallel"
)

// Defaults of Options, and its bounds.
const (
	DefaultPerClass = 60
	DefaultSize     = 160
	// MaxPerClass bounds Options.PerClass.
	MaxPerClass = 100_000
)

// quality of the JPEG files: high, so that the grain of a pattern survives.
const quality = 90

// Options says which pictures make up a set. The zero value is 60 pictures of
// each breed, 160×160 pixels, seed 0.
type Options struct {
	Task     Task
	Seed     uint64
	PerClass int // pictures of each class; 0 means DefaultPerClass
	Size     int // side in pixels, 8..MaxSize; 0 means DefaultSize
}

// withDefaults puts the defaults in place of zero fields.
func (o Options) withDefaults() Options {
	o.PerClass = cmp.Or(o.PerClass, DefaultPerClass)
	o.Size = cmp.Or(o.Size, DefaultSize)
	return o
}

// Check reports the first option that cannot be.
func (o Options) Check() error {
	o = o.withDefaults()
	switch {
	case o.Task.Classes() == nil:
		return fmt.Errorf("drawn: there is no %s; use Breeds or Objects", o.Task)
	case o.PerClass < 1 || o.PerClass > MaxPerClass:
		return fmt.Errorf("drawn: PerClass is %d; it must be in 1..%d", o.PerClass, MaxPerClass)
	case o.Size < 8 || o.Size > MaxSize:
		return fmt.Errorf("drawn: Size is %d; it must be in 8..%d pixels", o.Size, MaxSize)
	}
	return nil
}

// FileName is the name of a picture's file, like those of Oxford-IIIT Pet: the
// class, an underscore, a number from 1, ".jpg". The pattern `(.+)_\d+.jpg$`
// finds the class in it. It returns "" for a class that does not exist.
func (t Task) FileName(class, index int) string {
	names := t.Classes()
	if class < 0 || class >= len(names) {
		return ""
	}
	return names[class] + "_" + strconv.Itoa(index+1) + ".jpg"
}

var fileName = regexp.MustCompile(`^(.+)_([1-9][0-9]{0,8})\.jpg$`)

// ParseFileName is the inverse of FileName; folders before the name are
// ignored.
func (t Task) ParseFileName(path string) (class, index int, err error) {
	m := fileName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return 0, 0, fmt.Errorf("drawn: %s is not the name of a drawn picture; expected CLASS_NUMBER.jpg", path)
	}
	if class, err = t.Class(m[1]); err != nil {
		return 0, 0, fmt.Errorf("%w (from %s)", err, path)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return 0, 0, fmt.Errorf("drawn: the number in %s: %w", path, err)
	}
	return class, n - 1, nil
}

// Write draws a set of pictures into dir/images as JPEG files, in parallel, and
// returns that folder. Files that exist are overwritten with the same bytes.
// Canceling ctx stops between two pictures, with ctx's error; the files
// written until then are whole.
func Write(ctx context.Context, dir string, o Options) (string, error) {
	if err := o.Check(); err != nil {
		return "", err
	}
	o = o.withDefaults()
	images := filepath.Join(dir, "images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		return "", fmt.Errorf("drawn: making the folder for pictures: %w", err)
	}
	var mu sync.Mutex
	var first error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	failed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return first != nil
	}
	parallel.For(len(o.Task.Classes())*o.PerClass, func(i int) {
		if err := ctx.Err(); err != nil {
			fail(err)
		}
		if failed() {
			return
		}
		if err := o.writeOne(images, i/o.PerClass, i%o.PerClass); err != nil {
			fail(err)
		}
	})
	if first != nil {
		return "", first
	}
	return images, nil
}

func (o Options) writeOne(dir string, class, index int) error {
	img, err := o.Task.Draw(o.Seed, class, index, o.Size)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("drawn: encoding %s: %w", o.Task.FileName(class, index), err)
	}
	name := filepath.Join(dir, o.Task.FileName(class, index))
	if err := os.WriteFile(name+".tmp", b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("drawn: writing a picture: %w", err)
	}
	if err := os.Rename(name+".tmp", name); err != nil {
		return fmt.Errorf("drawn: writing a picture: %w", err)
	}
	return nil
}

// Source draws pictures when they are asked for: a data.Source that needs no
// files. Its items are named as Write names them, in the order of the sorted
// names, and their pixels are those of Draw, without JPEG's losses. Open
// depends on the item's name alone, so it is safe for concurrent use.
type Source struct{ Options }

var _ data.Source = Source{}

// List returns the items of the set under root/images; nothing need exist.
func (s Source) List(ctx context.Context, root string) ([]data.Item, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	o := s.withDefaults()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var items []data.Item
	for class := range o.Task.Classes() {
		for i := range o.PerClass {
			items = append(items, data.Item{Path: filepath.Join(root, "images", o.Task.FileName(class, i))})
		}
	}
	sortItems(items)
	return items, nil
}

// Open draws the item.
func (s Source) Open(item data.Item) (*data.Image, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	o := s.withDefaults()
	class, index, err := o.Task.ParseFileName(item.Path)
	if err != nil {
		return nil, err
	}
	img, err := o.Task.Draw(o.Seed, class, index, o.Size)
	if err != nil {
		return nil, err
	}
	out := &data.Image{Width: o.Size, Height: o.Size, Pix: make([]uint8, 3*o.Size*o.Size)}
	for i := range o.Size * o.Size {
		copy(out.Pix[3*i:3*i+3], img.Pix[4*i:4*i+3])
	}
	return out, nil
}

func sortItems(items []data.Item) {
	slices.SortFunc(items, func(a, b data.Item) int { return strings.Compare(a.Path, b.Path) })
}
