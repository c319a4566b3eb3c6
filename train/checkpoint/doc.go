// Package checkpoint keeps the saved states of a training run in a folder: one
// safetensors file each, numbered, with a checksum, written whole or not at all,
// the oldest removed as new ones come, and older ones given up when the disk is
// full. What a state consists of is the business of package train.
package checkpoint
