package limits

import (
	"slices"
	"testing"
	"time"
)

func TestWritten(t *testing.T) {
	for _, c := range []struct {
		figure any
		want   string
	}{
		{64, "64"}, {89_478_485, "89 478 485"}, {int64(32 << 20), "32 MiB"}, {64 << 30, "64 GiB"}, {2_000_000, "2 million"},
		{30 * time.Second, "30 s"}, {2 * time.Millisecond, "2 ms"}, {2 * time.Minute, "2 min"}, {"localhost:8080", "localhost:8080"},
	} {
		if got := Written(c.figure); !slices.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q among them", c.figure, got, c.want)
		}
	}
}

// TestCutNumber wants whole numbers found, and no parts of others.
func TestCutNumber(t *testing.T) {
	for _, c := range []struct {
		text, figure string
		want         bool
	}{
		{"5 s, then 503", "5", true}, {"1024", "24", false}, {"1024", "102", false}, {"4 194 304 operations", "4", false}, {"at most 4 times", "4", true},
		{"64 KiB", "64 K", false},
	} {
		if _, _, got := cutNumber(c.text, []string{c.figure}); got != c.want {
			t.Errorf("%q in %q: %v, want %v", c.figure, c.text, got, c.want)
		}
	}
}
