package runs

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/internal/nearest"
)

// Orders of runs besides the columns of their histories and their settings.
var orders = []string{"date", "name", "time", "epochs"}

// Sort puts the runs into the order of a key, the best first: date (the newest
// first), name, time, epochs, a column of the histories, or a setting. Runs without
// a value come last. The error lists the keys.
func Sort(list []*Run, key string, reverse bool) error {
	compare, err := order(list, key)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b *Run) int {
		c, missing := compare(a, b)
		if reverse && !missing {
			c = -c
		}
		if c == 0 {
			return strings.Compare(a.Path, b.Path)
		}
		return c
	})
	return nil
}

// order returns how a key compares two runs; missing says that one has no value, so
// that it comes after the other whichever way they are sorted.
func order(list []*Run, key string) (compare func(a, b *Run) (c int, missing bool), err error) {
	numbers := func(value func(*Run) float64) func(a, b *Run) (int, bool) {
		return func(a, b *Run) (int, bool) {
			x, y := value(a), value(b)
			if math.IsNaN(x) || math.IsNaN(y) {
				return lastFirst(math.IsNaN(x), math.IsNaN(y)), true
			}
			return cmp.Compare(x, y), false
		}
	}
	switch key {
	case "date":
		return func(a, b *Run) (int, bool) { return b.Began.Compare(a.Began), false }, nil
	case "name":
		return func(a, b *Run) (int, bool) { return strings.Compare(a.Path, b.Path), false }, nil
	case "time":
		return numbers(func(r *Run) float64 { return r.History.Time.Seconds() }), nil
	case "epochs":
		return numbers(func(r *Run) float64 { return -float64(len(r.History.Rows)) }), nil
	}
	columns, names := Columns(list), SettingNames(list)
	switch {
	case slices.Contains(columns, key):
		sign := 1.0
		if HigherIsBetter(key) {
			sign = -1
		}
		return numbers(func(r *Run) float64 { return sign * r.Value(key) }), nil
	case slices.Contains(names, key):
		return func(a, b *Run) (int, bool) { return compareSettings(a.Settings[key], b.Settings[key]) }, nil
	}
	known := slices.Concat(orders, columns, names)
	return nil, fmt.Errorf("%q is neither %s, nor a column of the histories (%s), nor a setting%s", key, strings.Join(orders, ", "), strings.Join(columns, ", "), nearest.Hint(key, known))
}

// compareSettings compares numbers by value and words by their letters.
func compareSettings(a, b string) (c int, missing bool) {
	if a == "" || b == "" {
		return lastFirst(a == "", b == ""), true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y), false
	}
	return strings.Compare(a, b), false
}

// lastFirst compares so that what is missing comes last.
func lastFirst(a, b bool) int {
	switch {
	case a && !b:
		return 1
	case b && !a:
		return -1
	}
	return 0
}

// Where keeps the runs whose setting has a value, or one that a pattern with *, ? or
// [a-z] stands for. A condition is NAME=VALUE; with an empty value, the setting is
// left out.
func Where(list []*Run, condition string) ([]*Run, error) {
	name, want, ok := strings.Cut(condition, "=")
	if !ok || name == "" {
		return nil, fmt.Errorf("%q: must be SETTING=VALUE, such as arch=resnet18", condition)
	}
	name = strings.ReplaceAll(name, "_", "-")
	if _, err := path.Match(want, ""); err != nil {
		return nil, fmt.Errorf("%q: the pattern is not complete: a [ needs its ]", condition)
	}
	if names := SettingNames(list); !slices.Contains(names, name) && want != "" {
		return nil, fmt.Errorf("%q: no run has a setting %s%s", condition, name, nearest.Hint(name, names))
	}
	var kept []*Run
	for _, r := range list {
		is, _ := path.Match(want, r.Settings[name])
		if is || r.Settings[name] == want {
			kept = append(kept, r)
		}
	}
	return kept, nil
}
