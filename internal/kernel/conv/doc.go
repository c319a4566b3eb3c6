// Package conv holds 2-D convolution, forward and backward: as a matrix product
// whose left side is gathered on the way, as a stem that reads a few channels
// where they lie, and, where it is faster, by package winograd.
package conv
