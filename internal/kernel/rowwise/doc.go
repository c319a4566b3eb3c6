// Package rowwise has what the kernels that pass over rows of channels share: how
// they take their arguments, how their work is cut by shape alone, and sums over
// rows. It has no kernels of its own.
package rowwise
