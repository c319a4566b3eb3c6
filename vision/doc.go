// Package vision treats pictures as data: it finds and decodes image files,
// resizes them as Pillow does, augments batches as fastai does, shows what a
// batch looks like.
//
// The path of a picture through training is
//
//	ImageFiles     file → 8-bit RGB, upright            (data.Source)
//	Resize         → one size for all                   (data.ItemTransform)
//	AugTransforms  → float32, augmented, normalized     (data.BatchTransform)
//
// Arithmetic and defaults follow fastai v2 (vision/augment.py) and Pillow 9
// (libImaging/Resample.c). JPEG, WebP and the other formats give Pillow's
// pixels, bit for bit; so does Resize. Augmented batches are within 0.03 gray
// levels of fastai's for the same random numbers, and within 0.0005 on average.
//
// # Where it differs from fastai
//
//   - Files are listed in order of their paths; fastai takes the order of the
//     file system.
//   - The EXIF orientation is applied; see DecodeOptions.IgnoreOrientation.
//   - 16-bit gray pictures keep the high byte of each sample; Pillow cuts them
//     off at 255, which leaves them white.
//   - Random numbers come from package rng: the distributions are
//     fastai's, the numbers are not.
//   - Sampling has coordinates and weights of 13 bits, and lighting is read from
//     a table: together they make the 0.03 gray levels above.
//
// docs/pictures.md says which kinds of each format are read. AVIF needs the import of
// package vision/avif. Not read are JPEG XL, JPEG 2000, cameras' raw pictures, SVG, PSD and PDF, and JPEG that is
// lossless or of 12 bits. The errors say so, and what to do.
package vision
