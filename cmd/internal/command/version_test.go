package command

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

func TestVersion(t *testing.T) {
	line := regexp.MustCompile(`^whippet \S+.*, go\d\S*, \w+/\w+, instruction set \w+\n$`)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if text, err := runCommand(t, nil, args...); err != nil || !line.MatchString(text) {
			t.Errorf("whippet %s prints %q, %v", args[0], text, err)
		}
	}
	text, err := runCommand(t, nil, "version", "--json")
	var b build
	if err == nil {
		err = json.Unmarshal([]byte(text), &b)
	}
	if err != nil || b.Version == "" || b.Go != runtime.Version() || b.OS != runtime.GOOS || b.Arch != runtime.GOARCH || b.Set == "" {
		t.Errorf("%+v, %v", b, err)
	}
	if text, err := runCommand(t, nil, "licenses"); err != nil || !strings.Contains(text, "== github.com/spf13/cobra ==") {
		t.Errorf("licenses: %.200q, %v", text, err)
	}
}

// TestStaticBinary installs the program with the README's command and looks for
// what a static binary has not: an interpreter and a dynamic section.
func TestStaticBinary(t *testing.T) {
	slow.Test(t)
	if runtime.GOOS != "linux" {
		t.Skip("looks into ELF files")
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^.*go install .*\./cmd/whippet$`).FindString(string(readme))
	if command == "" {
		t.Fatal("the README has no command that installs the program")
	}
	bin := t.TempDir()
	c := exec.Command("sh", "-c", command)
	c.Dir = "../../.."
	for _, v := range os.Environ() { // as a newcomer's shell has it
		if !strings.HasPrefix(v, "CGO_ENABLED=") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "GOBIN="+bin)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	f, err := elf.Open(filepath.Join(bin, "whippet"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s makes a binary that needs a loader: it has a %s segment", command, p.Type)
		}
	}
}
