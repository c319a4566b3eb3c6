//go:build !noasm

package isa

// detect takes NEON: it is part of what every arm64 processor has.
func detect() { NEON.inBuild, NEON.available = true, true }
