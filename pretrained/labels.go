package pretrained

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

// imageNet is the names of ImageNet's 1000 classes in the order of the models'
// outputs, as torchvision's metadata of its weights has them: each is unique.
//
//go:embed imagenet.txt
var imageNet string

// ImageNetLabels returns the names of the 1000 classes of ImageNet (ILSVRC 2012), in
// the order of the outputs of networks that were trained on it.
func ImageNetLabels() []string { return strings.Split(strings.TrimSpace(imageNet), "\n") }

// wordNet is a name that says nothing to people: the number of a meaning in WordNet.
var wordNet = regexp.MustCompile(`^n[0-9]{8}$`)

// labels returns names for the given number of classes: those of the configuration,
// its descriptions where the names are WordNet's numbers, ImageNet's for 1000 classes
// without names, and otherwise numbers.
func labels(classes int, names []string, descriptions map[string]string) ([]string, error) {
	switch {
	case len(names) == classes && classes > 0:
	case len(names) > 0:
		return nil, fmt.Errorf("label_names has %d names for %d classes", len(names), classes)
	case classes == 1000:
		return ImageNetLabels(), nil
	default:
		out := make([]string, classes)
		for i := range out {
			out[i] = fmt.Sprintf("class %d", i)
		}
		return out, nil
	}
	out := make([]string, classes)
	for i, n := range names {
		out[i] = n
		if d := strings.TrimSpace(descriptions[n]); d != "" && wordNet.MatchString(n) {
			out[i] = d
		}
	}
	return out, nil
}
