//go:build amd64 && !noasm

package isa

import "golang.org/x/sys/cpu"

// detect finds out which sets this processor has.
func detect() {
	x := &cpu.X86
	AVX2.inBuild, AVX512.inBuild = true, true
	AVX2.available = x.HasAVX2 && x.HasFMA
	AVX512.available = AVX2.available && x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL
}
