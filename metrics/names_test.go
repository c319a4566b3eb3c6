package metrics

import (
	"strings"
	"testing"
)

func TestByName(t *testing.T) {
	for _, name := range append(SingleLabel.Names(), "top_1_accuracy", "top_12_accuracy") {
		m, err := SingleLabel.ByName(name)
		if err != nil || m.Name() != name {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	a, _ := SingleLabel.ByName("accuracy")
	b, _ := SingleLabel.ByName("accuracy")
	feed(t, a, onehot([]int{0, 1}, 2), []int{0, 1})
	if v := b.Value(); v == v {
		t.Error("two metrics of one name share their counts")
	}
	for _, name := range []string{"", "acc", "top_0_accuracy", "top_-1_accuracy", "top_5_accuracy!", "top_05_accuracy", "top_99999999999999999999_accuracy"} {
		if _, err := SingleLabel.ByName(name); err == nil || !strings.Contains(err.Error(), "error_rate, accuracy") {
			t.Errorf("%q: error %v, want one that lists the names", name, err)
		}
	}
}

// fastai's names, and the short ones that the command took first, mean the same.
func TestOtherNames(t *testing.T) {
	for other, name := range map[string]string{"F1Score": "f1_score", "f1": "f1_score", "precision": "precision_score", "recall": "recall_score", "matthews": "matthews_corrcoef", "BrierScore": "brier_score"} {
		if m, err := SingleLabel.ByName(other); err != nil || m.Name() != name {
			t.Errorf("%s: %v, %v, want %s", other, m, err, name)
		}
	}
	for _, c := range SingleLabel {
		if m := c.New(); m.Name() != c.Name {
			t.Errorf("the choice %s makes the metric %s", c.Name, m.Name())
		}
	}
}
