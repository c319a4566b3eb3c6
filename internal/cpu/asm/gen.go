// Package asm holds the generators of the assembly in internal/cpu and
// internal/pixel, one command per family of kernels, and isa, which they share.
// Run go generate in this folder; it takes half a minute.
package asm

//go:generate go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -offsets ../gemm_offsets_amd64.go -pkg cpu
//go:generate go run ./winograd -out ../winograd_amd64.s -stubs ../winograd_stubs_amd64.go -offsets ../winograd_offsets_amd64.go -pkg cpu
//go:generate go run ./elementwise -out ../elementwise_amd64.s -stubs ../elementwise_stubs_amd64.go -offsets ../elementwise_offsets_amd64.go -pkg cpu
//go:generate go run ./pixel -out ../../pixel/pixel_amd64.s -stubs ../../pixel/pixel_stubs_amd64.go -offsets ../../pixel/pixel_offsets_amd64.go -pkg pixel
