// Package neon writes for arm64 what the generators have described to avo: it
// takes avo's program of 256-bit vectors, with its registers assigned, and
// writes one for NEON, in Go's assembler.
//
// A 256-bit register is a pair of NEON's 128-bit ones, and an instruction is
// done for one half after the other. So a kernel is described once, loops of
// arm64 are unrolled twice as far as those of amd64, and a sum is taken in the
// order in which AVX2 takes it.
//
// Registers:
//
//	R0-R15           the general registers of amd64 by their numbers, without SP, which is
//	R4               the address of the file's constants
//	R16, R17, R19-R23 addresses, kept to the end of a basic block
//	R23              the address of local variables, where there are some
//	R24-R26          of one instruction
//	V0-V29           pairs: register n of amd64 is V(2n) and V(2n+1)
//	V30, V31         of one instruction
//
// What Go's assembler has no name for is a WORD, with GNU's name for it beside it.
package neon
