// Package layernorm has the kernels of layer normalization over the channels of a
// row: of a pixel of NHWC maps, or of a token.
package layernorm
