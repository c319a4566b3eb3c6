// Package modules lists the modules that a program is made of.
package modules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Module is a module and the folder where its files are.
type Module struct{ Path, Dir string }

// platforms are the systems that programs are built for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

// Compiled returns the modules other than its own whose packages are compiled
// into programs, on any of the systems that they are built for and with all of
// their tags, in the order of their paths; the standard library is the module "std". What a package keeps
// of another module in a folder third_party/PATH, in a form that is not Go, is of that module.
func Compiled(programs ...string) ([]Module, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	found := map[string]string{"std": strings.TrimSpace(string(root))}
	for _, p := range platforms {
		goos, goarch, _ := strings.Cut(p, "/")
		c := exec.Command("go", append([]string{"list", "-deps", "-tags", "avif", "-json=Module,Dir"}, programs...)...)
		c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w: %s", p, err, stderr.Bytes())
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var pkg struct {
				Dir    string
				Module *struct {
					Path, Dir string
					Main      bool
				}
			}
			if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if m := pkg.Module; m != nil && !m.Main {
				found[m.Path] = m.Dir
			}
			kept, err := filepath.Glob(filepath.Join(pkg.Dir, "third_party/*/*/*"))
			if err != nil {
				return nil, err
			}
			for _, dir := range kept {
				path, err := filepath.Rel(filepath.Join(pkg.Dir, "third_party"), dir)
				if err != nil {
					return nil, err
				}
				found[filepath.ToSlash(path)] = dir
			}
		}
	}
	var all []Module
	for path, dir := range found {
		all = append(all, Module{path, dir})
	}
	slices.SortFunc(all, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}
