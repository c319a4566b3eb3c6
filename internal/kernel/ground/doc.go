// Package ground holds what the packages of kernels share: the check of lengths,
// workspace, when a result is stored non-temporally, and the geometry of a
// convolution.
package ground
