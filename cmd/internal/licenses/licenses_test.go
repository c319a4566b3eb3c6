package licenses

import (
	"slices"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/licenses/modules"
)

// TestEveryModuleHasItsLicense compares the text with what is compiled in.
func TestEveryModuleHasItsLicense(t *testing.T) {
	all, err := modules.Compiled("github.com/whippet-ml/whippet/cmd/whippet", "github.com/whippet-ml/whippet/cmd/whippet-mpi")
	if err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for _, m := range all {
		want = append(want, m.Path)
	}
	sections := strings.Split(Text, strings.Repeat("=", 80)+"\n== ")[1:]
	for _, s := range sections {
		name, text, _ := strings.Cut(s, " ==\n")
		have = append(have, name)
		if low := strings.ToLower(text); len(text) < 500 || !strings.Contains(low, "permission") && !strings.Contains(low, "license") {
			t.Errorf("%s has no license text:\n%.200s", name, text)
		}
	}
	if !slices.Equal(have, want) {
		t.Errorf("the text has the licenses of\n%q\nthe program is made of\n%q\ngo generate ./cmd/internal/licenses writes it anew", have, want)
	}
}
