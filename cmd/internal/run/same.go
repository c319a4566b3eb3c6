package run

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// mayChange are the settings that may be changed between an interruption and the
// resumption: those that say where things are. The pictures themselves are
// compared one by one.
var mayChange = map[string]bool{"data": true, "dir": true}

// SameAs reports in which settings c, read from an interrupted run's folder,
// differs from those that its checkpoint was saved with: going on would end in a
// model of neither, whose notes do not tell the truth. Where the data lies may
// change, and learning rates may have been added (see ChangeLR). Checkpoints of
// older versions have no settings (saved is empty), and pass.
func (c Config) SameAs(saved json.RawMessage) error {
	if len(saved) == 0 {
		return nil
	}
	var was Config
	if err := json.Unmarshal(saved, &was); err != nil {
		return fmt.Errorf("the checkpoint's settings: %w", err)
	}
	differ := c.Differences(was)
	if differ == "" {
		return nil
	}
	return fmt.Errorf("%s has changed since the checkpoint was saved: %s: restore it, or start a new run", ConfigFile, differ)
}

// Differences lists the settings in which c differs from those that were, but for where the data
// lies and for learning rates that have been added; "" when there are none.
func (c Config) Differences(was Config) string {
	var differ []string
	now, before := reflect.ValueOf(c), reflect.ValueOf(was)
	for _, field := range reflect.VisibleFields(now.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || mayChange[name] { // of an embedded value, each field is a setting
			continue
		}
		a, b := now.FieldByIndex(field.Index).Interface(), before.FieldByIndex(field.Index).Interface()
		if name == "lr_changes" {
			a = c.LRChanges[:min(len(c.LRChanges), len(was.LRChanges))]
			if len(was.LRChanges) == 0 {
				continue
			}
		}
		if !reflect.DeepEqual(a, b) {
			differ = append(differ, fmt.Sprintf("%s is %s, was %s", name, brief(a), brief(b)))
		}
	}
	return strings.Join(differ, "; ")
}

// brief is a setting as the file has it.
func brief(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
