// Package features takes the features that the body of a network has of pictures, keeps
// them, writes them for other programs, and fits classifiers to them: a head in seconds,
// where training the whole network takes minutes.
//
//	x, err := features.New(model, info.Preprocess, features.Options{Cache: dir})
//	of, err := x.Of(ctx, vision.ImageFiles, items)
//	head, err := features.FitLinear(ctx, of.Values, classes, len(vocab), features.LinearOptions{})
package features
