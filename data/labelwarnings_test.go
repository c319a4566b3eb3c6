package data

import (
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/target"
	"github.com/whippet-ml/whippet/task"
	"github.com/whippet-ml/whippet/tensor"
)

func TestLabelWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		by    Labeler
		cells []string
		want  string // in the only warning; "" for none
	}{
		"as it should be":          {ColumnLabels("tags", ";"), []string{"a;b", "a", ""}, ""},
		"a label twice":            {ColumnLabels("tags", ";"), []string{"a", "b; a;b", "a;b"}, `1 picture with a label twice, which counts once, the first "b": 1.png`},
		"another separator":        {ColumnLabels("tags", ";"), []string{"a|b", "b", "b|c"}, `2 pictures have "|" in theirs, as "a|b": is the separator "|" and not ";"?`},
		"spaces for bars":          {ColumnLabels("tags", "|"), []string{"a b", "b", "a"}, `is the separator " " and not "|"?`},
		"spaces inside of labels":  {ColumnLabels("tags", ";"), []string{"old dog;cat", "old dog", "cat"}, ""},
		"one label, not separated": {ColumnLabel("tags"), []string{"a|b", "b", "b|c"}, ""},
	} {
		var items []Item
		var labels [][]string
		for i, cell := range tc.cells {
			it := Item{Path: string(rune('0'+i)) + ".png", Fields: map[string]string{"tags": cell}}
			of, err := tc.by.Labels("", it)
			if err != nil {
				t.Fatal(err)
			}
			items, labels = append(items, it), append(labels, of)
		}
		got := labelWarnings(tc.by, "", items, labels)
		if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || !strings.Contains(got[0], tc.want)) {
			t.Errorf("%s: warnings %q, want %q", name, got, tc.want)
		}
	}
	if _, err := ColumnLabel("breed").Labels("", Item{Fields: map[string]string{"breed": " \t"}}); err == nil || !strings.Contains(err.Error(), `"breed" is empty`) {
		t.Errorf("a cell of blanks is a label: %v", err)
	}
}

func TestEqualNumbers(t *testing.T) {
	y := target.Targets{Values: tensor.FromSlice([]float32{1, 7, 2, 7, 3, 7}, 3, 2)}
	l, err := NewLoader(LoaderConfig{Items: []Item{{Path: "a"}, {Path: "b"}, {Path: "c"}}, Targets: y, Source: pngs{}, BatchSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := &DataLoaders{Train: l, Vocab: []string{"age", "weight"}, Block: Block{Task: task.Regression{}}}
	d.warnEqualNumbers()
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], `"weight" is 7 for every training picture`) {
		t.Errorf("warnings %q", d.Warnings)
	}
}
