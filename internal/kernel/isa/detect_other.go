//go:build (!amd64 && !arm64) || noasm

package isa

// detect finds nothing: this build has no assembly.
func detect() {}
