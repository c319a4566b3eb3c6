package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Settings takes a run's settings apart, under the names that flags have. They are
// read as they are, whatever version wrote them.
func Settings(raw []byte) (map[string]string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("these are no settings: %w", err)
	}
	if fields == nil {
		return nil, errors.New("these are no settings")
	}
	out := make(map[string]string, len(fields))
	for name, v := range fields {
		text := ""
		switch {
		case name == "dir": // where a run began says nothing about it
			continue
		case name == "lr_changes":
			text = rates(v)
		case json.Unmarshal(v, &text) == nil: // a string, or null
		default:
			var b bytes.Buffer
			if err := json.Compact(&b, v); err != nil {
				return nil, err
			}
			text = b.String()
		}
		if text != "" {
			out[strings.ReplaceAll(name, "_", "-")] = text
		}
	}
	return out, nil
}

// rates writes the learning rates with which a run was resumed.
func rates(v json.RawMessage) string {
	var changes []struct {
		Step int
		LR   string
	}
	if json.Unmarshal(v, &changes) != nil {
		return string(v)
	}
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s from step %d", c.LR, c.Step))
	}
	return strings.Join(out, ", ")
}

// Difference is a setting that runs do not have in common.
type Difference struct {
	Name   string   `json:"name"`
	Values []string `json:"values"` // of each run, "" where its settings leave it out
}

// SettingNames lists the settings that any of the runs has, in alphabetical order.
func SettingNames(list []*Run) []string {
	seen := map[string]bool{}
	var names []string
	for _, r := range list {
		for n := range r.Settings {
			if !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Compare lists the settings that not all of the runs have alike, and those that all
// do, with one value.
func Compare(list []*Run) (differ, same []Difference) {
	for _, n := range SettingNames(list) {
		d := Difference{Name: n}
		alike := true
		for _, r := range list {
			d.Values = append(d.Values, r.Settings[n])
			alike = alike && r.Settings[n] == list[0].Settings[n]
		}
		if alike {
			d.Values = d.Values[:1]
			same = append(same, d)
		} else {
			differ = append(differ, d)
		}
	}
	return differ, same
}
