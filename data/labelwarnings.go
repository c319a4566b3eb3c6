package data

import (
	"fmt"
	"slices"
	"strings"
)

// labelWarnings warns of what the label column of items that may have several labels has in it and
// probably should not: a label twice in one cell, and labels that look like several with another separator.
func labelWarnings(by Labeler, root string, items []Item, labels [][]string) (warnings []string) {
	c, ok := by.(columnLabels)
	if !ok {
		return nil
	}
	var twice []Item
	var first string
	single := true
	for i, of := range labels {
		single = single && len(of) < 2
		for k, l := range of {
			if slices.Contains(of[:k], l) {
				if len(twice) == 0 {
					first = l
				}
				twice = append(twice, items[i])
				break
			}
		}
	}
	if len(twice) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s with a label twice, which counts once, the first %q: %s", plural(len(twice), "picture"), first, names(root, twice)))
	}
	if !single {
		return warnings
	}
	for _, sep := range []string{";", ",", "|", "/", " "} {
		if sep == c.sep {
			continue
		}
		n, example := 0, ""
		for _, of := range labels {
			if len(of) == 1 && strings.Contains(of[0], sep) {
				if n == 0 {
					example = of[0]
				}
				n++
			}
		}
		if n > 0 {
			return append(warnings, fmt.Sprintf("no picture has more than one label, and %s have %q in theirs, as %q: is the separator %q and not %q?", plural(n, "picture"), sep, example, sep, c.sep))
		}
	}
	return warnings
}

// warnEqualNumbers warns of numbers that are the same for every training picture: from them nothing is learned.
func (d *DataLoaders) warnEqualNumbers() {
	y := d.Train.Targets()
	if y.Len() < 2 {
		return
	}
	for k, name := range d.Vocab {
		v, same := y.Row(0)[k], true
		for i := 1; i < y.Len() && same; i++ {
			same = y.Row(i)[k] == v
		}
		if same {
			d.Warnings = append(d.Warnings, fmt.Sprintf("%q is %v for every training picture: there is nothing to learn about it", name, v))
		}
	}
}
