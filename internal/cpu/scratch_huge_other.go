//go:build !linux

package cpu

// hugePages does nothing where there is no such advice to give.
func hugePages([]float32) {}
