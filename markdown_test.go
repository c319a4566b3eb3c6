package whippet

import (
	"net/url"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// TestMarkdownLinks wants every relative link of a Markdown file to name a file or
// folder of the repository, and every anchor a heading.
func TestMarkdownLinks(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md").Output()
	if err != nil {
		t.Skipf("the list of files needs git and a repository: %v", err)
	}
	anchors := map[string]map[string]bool{} // by file
	read := func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return fence.ReplaceAllString(string(b), "")
	}
	checked := 0
	for _, file := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(file), ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: the link %s: %v", file, m[1], err)
				continue
			}
			if u.IsAbs() {
				continue
			}
			checked++
			to := file
			if u.Path != "" {
				to = path.Join(path.Dir(file), u.Path)
			}
			if strings.HasPrefix(to, "..") {
				t.Errorf("%s: the link %s leads out of the repository", file, m[1])
				continue
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: the link %s: %v", file, m[1], err)
				continue
			}
			if u.Fragment == "" {
				continue
			}
			if anchors[to] == nil {
				anchors[to] = map[string]bool{}
				for _, h := range heading.FindAllStringSubmatch(read(to), -1) {
					anchors[to][anchor(h[1])] = true
				}
			}
			if !anchors[to][u.Fragment] {
				t.Errorf("%s: the link %s: %s has no heading for #%s", file, m[1], to, u.Fragment)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d relative links were found; the README alone has more", checked)
	}
}

// anchor is what GitHub calls a heading in addresses: lower case, without
// punctuation, hyphens for spaces.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}
