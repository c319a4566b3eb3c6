package models

import "github.com/whippet-ml/whippet/preprocess"

// Published is a weights file that its authors offer for download.
type Published struct {
	Name string // torchvision's name, such as IMAGENET1K_V1, or timm's, such as a1_in1k
	// URL is where the file is; its name ends in the start of its SHA-256. "" where Hub
	// is given: the repository of the Hugging Face Hub that has it.
	URL, Hub string
	Classes  int // that its authors' head tells apart; 0 for a body alone
	// Top1 is the share of ImageNet's validation pictures, in percent, whose class the
	// weights find, as their publisher states it, with pictures of Top1Size pixels; 0 if
	// it states none.
	Top1     float64
	Top1Size int
	License  string // as the Hub calls it, such as apache-2.0; "" if it is not stated
	// Preprocess is how the authors prepared pictures when they trained or measured the
	// weights.
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
		Name: name, URL: "https://download.pytorch.org/models/" + file, Classes: 1000, License: "bsd-3-clause",
		Top1: torchvisionTop1(file), Top1Size: size,
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

// timmPublished is a row of the table of timm's weights, timmWeights.
type timmPublished struct {
	arch, name    string
	classes, size int
	crop          float64
	squash        bool // both sides are scaled to size/crop
	filter        preprocess.Interpolation
	stats         int // in timmStats
	top1          float64
	top1Size      int
	license       string
}

// withTimm adds timm's weights to those that a lists.
func withTimm(a *Architecture) {
	for i := range timmWeights {
		w := &timmWeights[i]
		if w.arch != a.Name {
			continue
		}
		p := Published{
			Name: w.name, Hub: "timm/" + w.arch + "." + w.name, Classes: w.classes, Top1: w.top1, Top1Size: w.top1Size, License: w.license,
			Preprocess: preprocess.Config{Size: w.size, CropPct: w.crop, Interpolation: w.filter, Stats: timmStats[w.stats]},
		}
		if w.squash {
			p.Preprocess.Method = preprocess.Squish
		}
		a.Weights = append(a.Weights, p)
	}
}
