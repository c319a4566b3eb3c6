// Package vision treats pictures as data: it finds and decodes image files,
// resizes them as Pillow does, augments batches as fastai does, and draws what
// a batch looks like.
//
// The path of a picture through training is
//
//	ImageFiles   file → 8-bit RGB, upright      (data.Source)
//	Resize       → one size for all             (data.ItemTransform)
//	AugTransforms → float32, augmented, normalised, NHWC (data.BatchTransform)
//
// Arithmetic and defaults follow fastai v2 (vision/augment.py) and Pillow 9
// (libImaging/Resample.c); where Whippet differs on purpose the
// documentation of the item says so.
package vision
