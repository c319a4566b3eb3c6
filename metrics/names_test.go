package metrics

import (
	"strings"
	"testing"
)

func TestByName(t *testing.T) {
	for _, name := range append(Names(), "top_1_accuracy", "top_12_accuracy") {
		m, err := ByName(name)
		if err != nil || m.Name() != name {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	a, _ := ByName("accuracy")
	b, _ := ByName("accuracy")
	feed(t, a, onehot([]int{0, 1}, 2), []int{0, 1})
	if v := b.Value(); v == v {
		t.Error("two metrics of one name share their counts")
	}
	for _, name := range []string{"", "acc", "top_0_accuracy", "top_-1_accuracy", "top_5_accuracy!", "top_05_accuracy", "top_99999999999999999999_accuracy"} {
		if _, err := ByName(name); err == nil || !strings.Contains(err.Error(), "error_rate, accuracy") {
			t.Errorf("%q: error %v, want one that lists the names", name, err)
		}
	}
}
