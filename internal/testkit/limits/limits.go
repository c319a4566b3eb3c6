// Package limits compares docs/limits.md with the code, so that no figure of the
// document outlives a change. Only tests import it.
package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Row is a row of one of the document's tables: its cells, trimmed.
type Row []string

// Rows returns the rows of the table below the heading that begins with section,
// without its head.
func Rows(t testing.TB, section string) []Row {
	t.Helper()
	b, err := os.ReadFile(document(t))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	within := false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "## "); ok {
			within = strings.HasPrefix(title, section)
		}
		if !within || !strings.HasPrefix(line, "|") {
			continue
		}
		var row Row
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	if len(rows) < 3 {
		t.Fatalf("docs/limits.md has no table below ## %s", section)
	}
	return rows[2:]
}

// document finds docs/limits.md from the folder of the package under test.
func document(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "docs", "limits.md")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the package under test")
		}
		dir = up
	}
}

// Check fails unless the row of the section's table whose first cell begins with
// what gives these figures, in this order, in its other cells.
func Check(t testing.TB, section, what string, figures ...any) {
	t.Helper()
	for _, r := range Rows(t, section) {
		if strings.HasPrefix(r[0], what) {
			r.Check(t, figures...)
			return
		}
	}
	t.Errorf("docs/limits.md, %s: there is no row %q", section, what)
}

// Check fails unless the cells after the first give these figures, in this order.
func (r Row) Check(t testing.TB, figures ...any) {
	t.Helper()
	rest := strings.Join(r[1:], " | ")
	for _, f := range figures {
		ways := Written(f)
		_, after, ok := cutNumber(rest, ways)
		if !ok {
			t.Errorf("docs/limits.md, row %q: the code has %v, which the document would write as %q; it says %q", r[0], f, ways, rest)
			return
		}
		rest = after
	}
}

// cutNumber cuts s around the first of ways that stands in it by itself, not as
// a part of a longer number or word.
func cutNumber(s string, ways []string) (before, after string, ok bool) {
	for _, w := range ways {
		for at := 0; ; {
			i := strings.Index(s[at:], w)
			if i < 0 {
				break
			}
			i += at
			end := i + len(w)
			if (i == 0 || !part(s[i-1])) && (end == len(s) || !part(s[end])) && !digitAfterSpace(s[end:]) {
				return s[:i], s[end:], true
			}
			at = end
		}
	}
	return "", s, false
}

// part reports whether c continues a number or a word.
func part(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// digitAfterSpace reports whether s goes on with a group of digits, as in 1 024.
func digitAfterSpace(s string) bool {
	return len(s) > 1 && s[0] == ' ' && s[1] >= '0' && s[1] <= '9'
}

// Written returns the ways in which the document may write a figure: a number
// plainly, in groups of three digits, in millions, or in powers of 1024 bytes; a
// time in minutes, seconds or milliseconds; a text as it is.
func Written(figure any) []string {
	switch v := figure.(type) {
	case string:
		return []string{v}
	case time.Duration:
		for _, u := range []struct {
			unit time.Duration
			name string
		}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
			if v >= u.unit && v%u.unit == 0 {
				return []string{fmt.Sprintf("%d %s", v/u.unit, u.name)}
			}
		}
		return []string{fmt.Sprintf("%d ms", v.Milliseconds())}
	}
	plain := fmt.Sprint(figure)
	ways := []string{plain}
	var n int64
	if _, err := fmt.Sscan(plain, &n); err != nil {
		return ways
	}
	if n >= 10_000 {
		ways = append(ways, grouped(plain))
	}
	if n >= 1_000_000 && n%1_000_000 == 0 {
		ways = append(ways, fmt.Sprintf("%d million", n/1_000_000))
	}
	for _, u := range []struct {
		shift int
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n >= 1<<u.shift && n%(1<<u.shift) == 0 {
			ways = append(ways, fmt.Sprintf("%d %s", n>>u.shift, u.name))
			break
		}
	}
	return ways
}

// grouped puts a space between groups of three digits.
func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}
