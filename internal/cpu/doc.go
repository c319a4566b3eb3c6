// Package cpu holds the compute kernels: matrix product, convolution, pooling,
// normalization, elementwise work and the optimizer's step.
//
// Every kernel exists as plain Go, which is its documentation and its fallback,
// and where it pays as AVX2 and AVX-512 assembly for amd64. Package isa chooses
// the instruction set once, at start; the build tag noasm leaves the assembly
// out. A family of kernels has a table (gemmTable, winoTable, rowTable,
// windowTable) to which each set adds what it has; the rest is done in plain Go.
// All functions cut their work by shape alone: with one instruction set the
// result is the same bits for any number of threads.
package cpu
