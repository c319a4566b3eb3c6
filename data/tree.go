package data

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// This file reads several labels from folders: those that a picture lies in, one within the
// other, and those that have a copy of it or a link to it.

// Tree is a Source of pictures in folders that are their labels, for tasks whose items have several.
// animal/dog/1.jpg has the labels animal and dog; and where the same file, a copy of it, or
// a symbolic or hard link to it lies in cats/ and in outdoor/, it is one item, the first in the order of the list, with
// the labels of all these folders. So no split can part the copies of a picture. A picture in the root itself has no label.
//
// TreeLabels are its labels, TreeSplit divides it by folders above the labels.
type Tree struct {
	Images Source // lists and opens the pictures

	// Parts are folders directly below the root that split the pictures, train and valid,
	// and are no labels. A picture in two of them is an error.
	Parts []string

	Workers int // goroutines that read files of equal length to compare them; 0 is as many as GOMAXPROCS
}

// treeField is the column in which a Tree keeps the labels of an item, separated by slashes,
// which no folder has in its name.
const treeField = "folders"

// List lists the pictures, each once.
func (t Tree) List(ctx context.Context, root string) ([]Item, error) {
	items, _, err := t.ListNoted(ctx, root)
	return items, err
}

// ListNoted is List with notes: those of Images, and how many files are copies of others.
func (t Tree) ListNoted(ctx context.Context, root string) (items []Item, notes []string, err error) {
	if t.Images == nil {
		return nil, nil, errors.New("data: Tree needs Images, the source that lists and opens pictures (vision.ImageFiles)")
	}
	if s, ok := t.Images.(NotedSource); ok {
		items, notes, err = s.ListNoted(ctx, root)
	} else {
		items, err = t.Images.List(ctx, root)
	}
	if err != nil {
		return nil, nil, err
	}
	copies, err := Duplicates(ctx, items, t.Workers)
	if err != nil {
		return nil, nil, err
	}
	parts, labels := make([]string, len(items)), make([][]string, len(items))
	for i, it := range items {
		parts[i], labels[i] = t.folders(root, it)
	}
	gone := make([]bool, len(items)) // counted with another
	joined := 0
	for _, group := range copies {
		first := group[0]
		for _, i := range group[1:] {
			if parts[i] != parts[first] {
				return nil, nil, mistakef(ErrDuplicate, "the same picture is in %s and in %s, %s and %s: what a model was trained on must not judge it, so keep it in one of them",
					partName(parts[first]), partName(parts[i]), relative(root, items[first].Path), relative(root, items[i].Path))
			}
			labels[first] = append(labels[first], labels[i]...)
			gone[i] = true
			joined++
		}
	}
	var kept []Item
	bare, example := 0, ""
	for i, it := range items {
		if gone[i] {
			continue
		}
		slices.Sort(labels[i])
		of := slices.Compact(labels[i])
		if len(of) == 0 {
			if bare++; bare == 1 {
				example = relative(root, it.Path)
			}
		}
		it.Fields = map[string]string{treeField: strings.Join(of, "/")}
		kept = append(kept, it)
	}
	if joined > 0 {
		notes = append(notes, fmt.Sprintf("%s in all: %s the same as one in another folder, or a link to it, and counted with it", plural(len(kept), "picture"), plural(joined, "file")))
	}
	if bare > 0 {
		notes = append(notes, fmt.Sprintf("%s in no folder of a label, so with no label: the first %s", plural(bare, "picture"), example))
	}
	return kept, notes, nil
}

// folders returns the part that an item is in, or "", and the folders below it that the item is in.
func (t Tree) folders(root string, it Item) (part string, labels []string) {
	dir := path.Dir(relative(root, it.Path))
	if dir == "." {
		return "", nil
	}
	labels = strings.Split(dir, "/")
	if slices.Contains(t.Parts, labels[0]) {
		return labels[0], labels[1:]
	}
	return "", labels
}

// partName names a part in an error.
func partName(part string) string {
	if part == "" {
		return "none of the folders that split the data"
	}
	return part
}

// Open opens a picture with Images.
func (t Tree) Open(item Item) (*Image, error) {
	if t.Images == nil {
		return nil, errors.New("data: Tree needs Images, the source that lists and opens pictures (vision.ImageFiles)")
	}
	return t.Images.Open(item)
}

// Check looks at the picture's header where Images can.
func (t Tree) Check(item Item) (width, height int, err error) {
	if c, ok := t.Images.(Checker); ok {
		return c.Check(item)
	}
	return 0, 0, nil
}

// String describes the source.
func (t Tree) String() string {
	if len(t.Parts) > 0 {
		return fmt.Sprintf("Tree(below %s)", strings.Join(t.Parts, ", "))
	}
	return "Tree"
}

// TreeLabels gives an item of a Tree the names of the folders that it is in.
var TreeLabels Labeler = treeLabels{}

type treeLabels struct{}

func (treeLabels) Labels(root string, item Item) ([]string, error) {
	s, ok := item.Fields[treeField]
	if !ok {
		return nil, errors.New("the item does not come from a Tree, which knows all the folders that it is in")
	}
	if s == "" {
		return []string{}, nil
	}
	return strings.Split(s, "/"), nil
}

func (treeLabels) String() string { return "TreeLabels" }

// TreeSplit splits by the folder directly below the root: the items in the folder train are for
// training, those in the first folder of valid that holds any for validation, others belong to neither.
func TreeSplit(train string, valid ...string) Splitter { return treeSplit{train, valid} }

type treeSplit struct {
	train string
	valid []string
}

func (s treeSplit) Split(root string, items []Item) (train, valid []int, err error) {
	in := map[string][]int{}
	for i, it := range items {
		top, _, below := strings.Cut(relative(root, it.Path), "/")
		if below {
			in[top] = append(in[top], i)
		}
	}
	train = in[s.train]
	for _, v := range s.valid {
		if valid = in[v]; len(valid) > 0 {
			break
		}
	}
	missing := ""
	switch {
	case len(train) == 0:
		missing = s.train
	case len(valid) == 0:
		missing = strings.Join(s.valid, " or ")
	default:
		return train, valid, nil
	}
	var have []string
	for k, v := range in {
		have = append(have, fmt.Sprintf("%s (%d)", k, len(v)))
	}
	return nil, nil, mistakef(ErrEmptySplit, "there is no picture in the folder %s below %s; the folders there are %s", missing, root, listed(sorted(have), shown))
}

func (s treeSplit) String() string {
	return fmt.Sprintf("TreeSplit(%s, %s)", s.train, strings.Join(s.valid, "|"))
}
