package command

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/whippet-ml/whippet/internal/testkit/limits"
)

var flagName = regexp.MustCompile("--([a-z-]+)")

// TestLimitsOfFlags compares the defaults that docs/limits.md gives for flags with
// the flags' own. Every flag of serve that has a number or a time must be there.
func TestLimitsOfFlags(t *testing.T) {
	for _, c := range []struct {
		section string
		cmd     *cobra.Command
		prefix  string // of a cell that names flags of this command
	}{
		{"The service", newServe(), "`--"}, {"The local pages", newClean(), "`--pairs"}, {"Pictures", newPredict(), "`DecodeOptions"},
	} {
		named := map[string]bool{}
		for _, row := range limits.Rows(t, c.section) {
			if len(row) < 3 || !strings.HasPrefix(row[2], c.prefix) {
				continue
			}
			for _, m := range flagName.FindAllStringSubmatch(row[2], -1) {
				f := c.cmd.Flags().Lookup(m[1])
				if f == nil {
					t.Errorf("docs/limits.md, %s: %s has no flag --%s", c.section, c.cmd.Name(), m[1])
					continue
				}
				named[f.Name] = true
				if figure, ok := figureOf(f); ok {
					row[:2].Check(t, figure)
				}
			}
		}
		if len(named) == 0 {
			t.Errorf("docs/limits.md, %s: no row names a flag of %s", c.section, c.cmd.Name())
		}
		if c.section != "The service" {
			continue
		}
		c.cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, ok := figureOf(f); ok && !named[f.Name] && f.Deprecated == "" && f.Value.Type() != "string" {
				t.Errorf("docs/limits.md, %s: no row for --%s", c.section, f.Name)
			}
		})
	}
}

// figureOf returns a flag's default, if it is a figure that a document can give.
func figureOf(f *pflag.Flag) (any, bool) {
	switch f.Value.Type() {
	case "duration":
		d, err := time.ParseDuration(f.DefValue)
		return d, err == nil
	case "int", "int64":
		n, err := strconv.ParseInt(f.DefValue, 10, 64)
		return n, err == nil
	case "string":
		return f.DefValue, f.DefValue != ""
	}
	return nil, false
}
