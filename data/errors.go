package data

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// The mistakes that building loaders finds, for errors.Is. The messages name
// files, values and the next step; these only classify them.
var (
	ErrNoItems    = errors.New("no items")                         // nothing below the root, or no root
	ErrLabel      = errors.New("label not found")                  // an item whose label cannot be told
	ErrOneClass   = errors.New("fewer than two classes")           // nothing to tell apart
	ErrUnknown    = errors.New("label not in the vocabulary")      // in validation but not in training, or not in a given vocabulary
	ErrEmptySplit = errors.New("empty training or validation set") // without AllTrain or AllValid
	ErrSplit      = errors.New("unusable split")                   // indices out of range or in both sets, a column that is neither true nor false
	ErrDuplicate  = errors.New("item listed twice")                // one path more than once
	ErrSizes      = errors.New("pictures of different sizes")      // in one batch, so that no tensor holds them
	ErrDamaged    = errors.New("damaged picture")                  // a file that cannot be opened or transformed
	ErrBatchSize  = errors.New("unusable batch size")              // negative, or larger than the training set
)

// mistake is an error of one of the kinds above with a message of its own: the
// kind's text would only repeat what the message says better.
type mistake struct {
	kind  error
	msg   string
	cause error // of the system, if there is one
}

func (m *mistake) Error() string        { return "data: " + m.msg }
func (m *mistake) Is(target error) bool { return target == m.kind }
func (m *mistake) Unwrap() error        { return m.cause }

func mistakef(kind error, format string, args ...any) error {
	return &mistake{kind: kind, msg: fmt.Sprintf(format, args...)}
}

// ItemError is an error about one item, with its file. errors.Is finds
// ErrDamaged as well as what Err wraps.
type ItemError struct {
	Path string
	Err  error
}

// Error names the file.
func (e *ItemError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *ItemError) Unwrap() error { return e.Err }

// Is reports a damaged picture.
func (e *ItemError) Is(target error) bool { return target == ErrDamaged }

// shown bounds how many files a message names.
const shown = 5

// names lists at most shown paths, quoted as they are read, relative to root
// where they are below it.
func names(root string, items []Item) string {
	var b strings.Builder
	for i, it := range items {
		if i == shown {
			fmt.Fprintf(&b, " and %d more", len(items)-shown)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(relative(root, it.Path))
	}
	return b.String()
}

// relative is path as seen from root, with slashes, or path itself when it is
// not below root.
func relative(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}

// describe names a part of a Block: its String method where it has one, else
// its type.
func describe(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", v)
}

// plural is "1 picture", "2 pictures".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "ss") || strings.HasSuffix(one, "ch") {
		return fmt.Sprintf("%d %ses", n, one)
	}
	return fmt.Sprintf("%d %ss", n, one)
}
