package command

import (
	"strings"
	"testing"
)

// TestCropPctOfTraining holds that a network is judged by no less of a picture than its training shows on average,
// and that the crop of its weights counts where it leaves more, or where it is asked for.
func TestCropPctOfTraining(t *testing.T) {
	data := t.TempDir()
	for name, c := range map[string]struct {
		flags []string
		want  float64
		note  string
	}{
		"crop of the weights too tight": {[]string{"--arch", "mobilenetv3_large_100"}, 0.935, "--crop-pct 0.935: outside training, as much of a picture's side is looked at as training shows on average; the weights' authors looked at 0.875"},
		"loose enough":                  {[]string{"--arch", "convnext_nano"}, 0.95, ""},
		"training crops as theirs":      {[]string{"--arch", "mobilenetv3_large_100", "--min-scale", "0.08"}, 0.875, ""},
		"whole pictures in training":    {[]string{"--arch", "mobilenetv3_large_100", "--augment=false"}, 1, "--crop-pct 1: "},
		"asked for":                     {[]string{"--arch", "mobilenetv3_large_100", "--crop-pct", "0.875"}, 0.875, ""},
		"as fastai":                     {[]string{"--arch", "mobilenetv3_large_100", "--crop-pct", "0"}, 0, ""},
		"training cut so too":           {[]string{"--arch", "mobilenetv3_large_100", "--presize", "0"}, 0.875, ""},
		"a head alone":                  {[]string{"--arch", "mobilenetv3_large_100", "--head-only", "linear"}, 0.875, ""},
		"fastai's networks":             {[]string{"--arch", "resnet34"}, 0, ""},
	} {
		got, said, err := settled(t, append([]string{"--data", data, "--seed", "1"}, c.flags...)...)
		if err != nil || got.CropPct != c.want || !strings.Contains(said, c.note) || c.note == "" && strings.Contains(said, "--crop-pct") {
			t.Errorf("%s: %v, crop share %v, want %v; notes %q, want %q", name, err, got.CropPct, c.want, said, c.note)
		}
	}
}
