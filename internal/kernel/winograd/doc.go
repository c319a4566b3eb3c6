// Package winograd computes 3x3 convolutions with stride 1 in the domain of
// Winograd's F(4x4,3x3): 36 products where the direct sum needs 144.
package winograd
