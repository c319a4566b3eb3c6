// Package norm has the kernels of batch normalization, forward and backward, and
// the mask that a ReLU at its end leaves for the backward pass.
package norm
