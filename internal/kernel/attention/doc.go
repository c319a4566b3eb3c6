// Package attention has scaled dot-product attention, forward and backward, of which
// the matrix of scores is never in memory as a whole.
package attention
