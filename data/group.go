package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Grouper says which items belong together, so that a split has none of a group on
// both sides: pictures of one patient, animal or burst are so alike that a model judged
// on some of them, after training on the others, looks better than it is.
//
// Groups returns the name of each item's group, none of them empty. src opens the items
// where their pictures decide.
type Grouper interface {
	Groups(ctx context.Context, src Source, root string, items []Item) ([]string, error)
}

// ColumnGroups takes the group from a column of the item's row. An empty cell is an
// error: the picture may belong to any group.
func ColumnGroups(column string) Grouper { return columnGroups(column) }

type columnGroups string

func (c columnGroups) Groups(_ context.Context, _ Source, root string, items []Item) ([]string, error) {
	return groupEach(c, root, items, func(it Item) (string, error) {
		s, err := column(it, string(c))
		if s = strings.TrimSpace(s); err == nil && s == "" {
			err = fmt.Errorf("the column %q is empty: fill in a name of its own where a picture belongs to no group", string(c))
		}
		return s, err
	})
}

func (c columnGroups) String() string { return fmt.Sprintf("the column %q", string(c)) }

// RegexGroups takes the first group in parentheses of a pattern, where it first matches in the
// path below the root, with slashes on every system: `(\d+)_\d+\.jpg$` puts cats/017_1.jpg and
// cats/017_2.jpg into the group 017.
func RegexGroups(pattern string) Grouper { return regexGroups{newRegex(pattern, true)} }

type regexGroups struct{ label *regexLabel }

func (r regexGroups) Groups(_ context.Context, _ Source, root string, items []Item) ([]string, error) {
	if r.label.err != nil {
		return nil, r.label.err
	}
	return groupEach(r, root, items, func(it Item) (string, error) {
		m := r.label.re.FindStringSubmatch(relative(root, it.Path))
		switch {
		case m == nil:
			return "", errors.New("the pattern does not match")
		case m[1] == "":
			return "", errors.New("the pattern finds an empty name")
		}
		return m[1], nil
	})
}

func (r regexGroups) String() string { return fmt.Sprintf("the pattern `%s`", r.label.pattern) }

// FolderGroups makes a group of each folder that has items, by its path below the root.
var FolderGroups Grouper = folderGroups{}

type folderGroups struct{}

func (f folderGroups) Groups(_ context.Context, _ Source, root string, items []Item) ([]string, error) {
	return groupEach(f, root, items, func(it Item) (string, error) { return path.Dir(relative(root, it.Path)), nil })
}

func (folderGroups) String() string { return "the folder" }

// groupEach names the group of every item; an error says how many have none.
func groupEach(by Grouper, root string, items []Item, name func(Item) (string, error)) ([]string, error) {
	groups := make([]string, len(items))
	var bad []Item
	var first error
	for i, it := range items {
		var err error
		if groups[i], err = name(it); err != nil {
			if first == nil {
				first = err
			}
			bad = append(bad, it)
		}
	}
	if first != nil {
		return nil, mistakef(ErrSplit, "%s of %d have no group by %s: %s; the first: %v", plural(len(bad), "item"), len(items), describe(by), names(root, bad), first)
	}
	return groups, nil
}

// KeepGroups is split, with an error where items of one group are on both sides: for
// splits that folders or a column already say.
func KeepGroups(split Splitter, by Grouper) Splitter { return keepGroups{split, by} }

type keepGroups struct {
	split Splitter
	by    Grouper
}

func (k keepGroups) Split(string, []Item) (train, valid []int, err error) {
	return nil, nil, errNeedsBlock
}

func (k keepGroups) splitLabeled(ctx context.Context, in splitInput) (splitResult, error) {
	r, err := splitBy(ctx, k.split, in)
	if err != nil {
		return r, err
	}
	groups, err := k.by.Groups(ctx, in.source, in.root, in.items)
	if err != nil {
		return r, err
	}
	first := map[string]int{}
	for _, i := range r.train {
		if _, ok := first[groups[i]]; !ok {
			first[groups[i]] = i
		}
	}
	torn := map[string][2]int{}
	for _, i := range r.valid {
		if t, ok := first[groups[i]]; ok {
			if _, known := torn[groups[i]]; !known {
				torn[groups[i]] = [2]int{t, i}
			}
		}
	}
	if len(torn) > 0 {
		g := slices.Sorted(maps.Keys(torn))[0]
		return r, mistakef(ErrSplit, "%s puts %s by %s on both sides, the first %q with %s in training and %s in validation: move them to one side, or let the split be made by groups",
			describe(k.split), plural(len(torn), "group"), describe(k.by), g, relative(in.root, in.items[torn[g][0]].Path), relative(in.root, in.items[torn[g][1]].Path))
	}
	r.warnings = append(r.warnings, groupWarnings(groups)...)
	return r, nil
}

func (k keepGroups) mayBeEmpty() bool {
	e, ok := k.split.(interface{ mayBeEmpty() bool })
	return ok && e.mayBeEmpty()
}

func (k keepGroups) String() string { return describe(k.split) }

// groupWarnings warns of groups whose names look the same and are not: their pictures
// may be on both sides.
func groupWarnings(groups []string) (warnings []string) {
	for _, g := range alikeNames(groups) {
		warnings = append(warnings, fmt.Sprintf("groups whose names look alike are different groups, which a split may part: %s; if they mean the same, spell them alike", g))
	}
	if len(warnings) > shown {
		warnings = append(warnings[:shown], fmt.Sprintf("%d more such groups", len(warnings)-shown))
	}
	return warnings
}
