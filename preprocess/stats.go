package preprocess

import (
	"cmp"
	"fmt"
)

// Stats are the means and standard deviations, per color channel (R, G, B) and
// for samples scaled to [0,1], by which the network's input is normalized:
// (x-Mean)/Std.
type Stats struct {
	Mean [3]float32 `json:"mean"`
	Std  [3]float32 `json:"std"`
}

// Statistics of common data sets, as fastai's imagenet_stats, cifar_stats and
// mnist_stats have them.
var (
	ImageNetStats = Stats{Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225}}
	CIFARStats    = Stats{Mean: [3]float32{0.491, 0.482, 0.447}, Std: [3]float32{0.247, 0.243, 0.261}}
	MNISTStats    = Stats{Mean: [3]float32{0.131, 0.131, 0.131}, Std: [3]float32{0.308, 0.308, 0.308}}
	// NoStats leaves samples in [0,1].
	NoStats = Stats{Std: [3]float32{1, 1, 1}}
)

// WithDefaults returns ImageNet's statistics for the zero value, whose deviation
// of 0 could not divide, and s otherwise.
func (s Stats) WithDefaults() Stats { return cmp.Or(s, ImageNetStats) }

// Check reports a standard deviation that cannot divide.
func (s Stats) Check() error {
	for _, d := range s.Std {
		if !(d > 0) {
			return fmt.Errorf("preprocess: Stats: standard deviation %v must be positive in every channel", s.Std)
		}
	}
	return nil
}
