package models

import "github.com/whippet-ml/whippet/preprocess"

// Published is a weights file that its authors offer for download.
type Published struct {
	Name string // torchvision's name, such as IMAGENET1K_V1
	URL  string // the file's name ends in the start of its SHA-256
	// Preprocess is how the authors prepared pictures when they measured the
	// weights. Fine-tuning takes its statistics and chooses sizes of its own.
	Preprocess preprocess.Config
}

// torchvision returns weights that torchvision publishes: for measuring them,
// pictures are scaled to a short side of resize pixels, of which the middle 224
// are looked at.
func torchvision(name, file string, resize int) Published {
	return torchvisionAt(name, file, 224, resize, preprocess.Bilinear)
}

// torchvisionAt is torchvision for pictures of other sizes.
func torchvisionAt(name, file string, size, resize int, i preprocess.Interpolation) Published {
	return Published{
		Name: name, URL: "https://download.pytorch.org/models/" + file,
		Preprocess: preprocess.Config{
			Size: size, CropPct: float64(size) / float64(resize),
			Interpolation: i, Stats: preprocess.ImageNetStats,
		},
	}
}

// imageNetV1 and imageNetV2 are torchvision's two recipes: the first weights of
// an architecture, and those of its training anew in 2021.
func imageNetV1(file string) Published { return torchvision("IMAGENET1K_V1", file, 256) }
func imageNetV2(file string) Published { return torchvision("IMAGENET1K_V2", file, 232) }

// Stats are the statistics of RGB by which the input of the default weights is
// normalized; ImageNet's for an architecture without published weights.
func (a *Architecture) Stats() preprocess.Stats {
	if len(a.Weights) == 0 {
		return preprocess.ImageNetStats
	}
	return a.Weights[0].Preprocess.Stats
}
