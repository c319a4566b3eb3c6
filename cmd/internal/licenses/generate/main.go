// Command generate writes licenses.txt: the license texts of what is compiled
// into the command, on any system that it is built for.
//
//	go generate ./cmd/internal/licenses
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whippet-ml/whippet/cmd/internal/licenses/modules"
)

func main() {
	log.SetFlags(0)
	all, err := modules.Compiled("github.com/whippet-ml/whippet/cmd/whippet", "github.com/whippet-ml/whippet/cmd/whippet-mpi")
	if err != nil {
		log.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("The license texts of what is compiled into whippet and whippet-mpi, with the tag avif or without. Whippet's own is the Apache License 2.0.\n")
	for _, m := range all {
		texts, err := licenseFiles(m.Dir)
		if err != nil {
			log.Fatalf("%s: %v", m.Path, err)
		}
		fmt.Fprintf(&b, "\n%s\n== %s ==\n%s\n", strings.Repeat("=", 80), m.Path, strings.Repeat("=", 80))
		for _, t := range texts {
			b.WriteString("\n" + strings.TrimSpace(strings.ReplaceAll(t, "\r\n", "\n")) + "\n")
		}
	}
	if err := os.WriteFile("licenses.txt", []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

// licenseFiles returns the texts of the license files in a module's folder, in
// the order of their names. There must be one.
func licenseFiles(dir string) (texts []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		is := slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"}, func(s string) bool { return strings.HasPrefix(name, s) })
		if e.IsDir() || !is {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(b))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("no license file in %s", dir)
	}
	return texts, nil
}
