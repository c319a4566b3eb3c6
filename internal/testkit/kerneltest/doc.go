// Package kerneltest holds what the tests of kernels share: slices between guard
// words, runs with every instruction set and number of threads, and values that
// kernels tend to get wrong.
package kerneltest
