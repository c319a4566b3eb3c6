// Package elementwise holds the kernels that pass over rows of channels once:
// elementwise work, activations, sums over rows, and the backward pass through a
// ReLU.
//
// Every kernel exists as plain Go, its twin, which is its documentation and its
// fallback, and where it pays as AVX2 and AVX-512 assembly for amd64. Package isa
// chooses the instruction set once, at start; the build tag noasm leaves the
// assembly out. Each package of internal/kernel has a Table to which each set adds
// what it has; the rest is done in plain Go. All functions cut their work by
// shape alone: with one instruction set the result is the same bits for any
// number of threads.
package elementwise
