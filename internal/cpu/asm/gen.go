// Package asm holds the generators of the assembly in internal/cpu and
// internal/pixel, one command per family of kernels. Run go generate in this
// folder.
package asm

//go:generate go run ./gemm -out ../gemm_amd64.s
//go:generate go run ./winograd -out ../winograd_amd64.s -stubs ../winograd_stubs_amd64.go -pkg cpu
//go:generate go run ./elementwise -out ../elementwise_amd64.s -decl ../elementwise_decl_amd64.go
//go:generate go run ./pixel -out ../../pixel/pixel_amd64.s -stubs ../../pixel/stubs_amd64.go -pkg pixel
