package nearest

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	known := []string{"resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v3_large", "mobilenetv3_large_100", "efficientnet_b0", "timm/resnet50.a1_in1k"}
	for unknown, want := range map[string][]string{
		"resnet5O":              {"resnet50"},
		"ResNet-50":             {"resnet50"},
		"efficentnet_b0":        {"efficientnet_b0"},
		"efficientnetb0":        {"efficientnet_b0"},
		"mobilenetv3":           {"mobilenet_v3_large", "mobilenetv3_large_100"},
		"timm/resnet50.a2_in1k": {"timm/resnet50.a1_in1k"},
		"vgg16":                 nil,
		"":                      nil,
	} {
		got := Names(unknown, known, 4)
		if len(want) > 0 && (len(got) == 0 || got[0] != want[0]) || len(want) > 1 && !slices.Contains(got, want[1]) || want == nil && got != nil {
			t.Errorf("%q: %q, want %q", unknown, got, want)
		}
	}
	if d := distance("abcd", "acbd"); d != 1 {
		t.Errorf("swapped neighbors are %d apart", d)
	}
}
