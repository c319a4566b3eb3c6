// Package gemm holds the matrix product: the micro-kernels on which everything
// heavy is built, the packing of their operands, and how a product is cut.
package gemm
