package command

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBenchPrints(t *testing.T) {
	small := []string{"--arch", "squeezenet1_1", "--size", "64", "--batch", "2", "--steps", "1", "--warmup", "0"}
	for _, part := range []string{"train", "infer"} {
		text, err := runCommand(t, nil, append([]string{"bench", part}, small...)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"images/s", "GFLOP/s", "quartiles", "peak memory", "conv forward"} {
			if part == "infer" && want == "conv forward" {
				want = "conv "
			}
			if !strings.Contains(text, want) {
				t.Errorf("bench %s prints no %q:\n%s", part, want, text)
			}
		}
		text, err = runCommand(t, nil, append([]string{"bench", part, "--json"}, small...)...)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("bench %s --json printed %q: %v", part, text, err)
		}
		for _, key := range []string{"images_per_second", "step_ms", "shares", "effective_gflops", "peak_rss_bytes", "machine"} {
			if v[key] == nil {
				t.Errorf("bench %s --json has no %s: %s", part, key, text)
			}
		}
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bench", "train", "--arch", "lenet"}, "lenet"},
		{[]string{"bench", "infer", "--batch", "0"}, "--batch 0"},
		{[]string{"bench", "infer", "--threads", "-1"}, "--threads"},
		{[]string{"bench", "data", "--data", "/nowhere/at/all"}, "/nowhere/at/all"},
		{[]string{"bench", "train", "more"}, "more"},
	} {
		if _, err := runCommand(t, nil, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one about %s", c.args, err, c.want)
		}
	}
}
