// Package depthwise computes depthwise convolutions, in which each channel has a
// window of its own: forward, data and weight gradients, over NHWC activations.
//
// A tap is one multiply-add for each value read, so they are bound by what brings
// the values in. Read where they lie, a window of a few channels is as many short
// pieces of memory as it has pixels, which no prefetcher follows and which meet in
// few sets of the cache. So strips of rows are first copied, in the order in which
// they lie, to blocks of two vectors of channels with the padding's zeros around
// them (strip.go), or made there (made.go). The kernels then go through a block with
// contiguous loads, know of no border, and write results where they belong.
package depthwise
