package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"

	"github.com/whippet-ml/whippet/models"
)

// networkRows are training steps of the architectures whose names match.
func (c config) networkRows(names string) ([]row, error) {
	want, err := regexp.Compile(names)
	if err != nil {
		return nil, fmt.Errorf("-networks: %w", err)
	}
	var all []row
	for _, name := range models.Names() {
		if want.MatchString(name) {
			all = append(all, row{name: fmt.Sprintf("%s training, batch %d", name, c.batch), task: "train", arch: name, batch: c.batch})
		}
	}
	return all, nil
}

// measured is what a row came to: how many times faster than the fastest peer Whippet is,
// and the share of its memory that it takes.
type measured struct {
	Speed  float64 `json:"speed"`
	Memory float64 `json:"memory"`
}

// add writes what was measured of an architecture to the file of -save.
func (c config) add(arch string, m measured) error {
	all := map[string]measured{}
	raw, err := os.ReadFile(c.save)
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("-save: %w", err)
	}
	all[arch] = measured{math.Round(100*m.Speed) / 100, math.Round(100*m.Memory) / 100}
	var b bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(all)) {
		line, err := json.Marshal(all[name])
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s%q: %s", [2]string{"{\n", ",\n"}[min(i, 1)], name, line)
	}
	b.WriteString("\n}\n")
	return os.WriteFile(c.save, b.Bytes(), 0o600)
}
