// Package nearest finds the known names that somebody may have meant by an unknown
// one.
package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// Names returns up to n of the known names, the nearest first: those that begin with
// the unknown one or have it in them, and those that a few changed characters make.
// Capitals and the characters - _ . / do not count as differences.
func Names(unknown string, known []string, n int) []string {
	type candidate struct {
		name string
		far  int
	}
	want := plain(unknown)
	if len(want) > 100 {
		want = want[:100]
	}
	var all []candidate
	for _, k := range known {
		p := plain(k)
		far := distance(want, p)
		if len(want) >= 3 && strings.Contains(p, want) {
			far = min(far, 1+(len(p)-len(want))/4)
		}
		if far <= 1+max(len(want), len(p))/4 {
			all = append(all, candidate{k, far})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
	var names []string
	for _, c := range all[:min(n, len(all))] {
		names = append(names, c.name)
	}
	return names
}

// Hint is Names as the end of a message: "; the nearest known are a, b", or "" when
// there are none.
func Hint(unknown string, known []string) string {
	switch near := Names(unknown, known, 4); len(near) {
	case 0:
		return ""
	case 1:
		return "; the nearest known is " + near[0]
	default:
		return "; the nearest known are " + strings.Join(near, ", ")
	}
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_./ ", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// distance is how many characters must be put in, left out, replaced or swapped with
// their neighbor (Damerau and Levenshtein, optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			d := last[j]
			if a[i] != b[j] {
				d++
			}
			d = min(d, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row[j+1] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
