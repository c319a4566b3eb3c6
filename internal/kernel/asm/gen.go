// Package asm holds the generators of the kernels' assembly, one command for each
// room of internal/kernel, or for several that share a form of loop, and isa,
// which they share. Run go generate in this folder; it takes half a minute.
package asm

//go:generate go run ./gemm -out ../gemm/gemm_amd64.s -stubs ../gemm/gemm_stubs_amd64.go -offsets ../gemm/gemm_offsets_amd64.go -pkg gemm
//go:generate go run ./winograd -out ../winograd/winograd_amd64.s -stubs ../winograd/winograd_stubs_amd64.go -offsets ../winograd/winograd_offsets_amd64.go -pkg winograd
//go:generate go run ./depthwise -out ../depthwise/depthwise_amd64.s -stubs ../depthwise/depthwise_stubs_amd64.go -offsets ../depthwise/depthwise_offsets_amd64.go -pkg depthwise
//go:generate go run ./rowwise -room elementwise -out ../elementwise/elementwise_amd64.s -stubs ../elementwise/elementwise_stubs_amd64.go -offsets ../elementwise/elementwise_offsets_amd64.go -pkg elementwise
//go:generate go run ./rowwise -room attention -out ../attention/attention_amd64.s -stubs ../attention/attention_stubs_amd64.go -offsets ../attention/attention_offsets_amd64.go -pkg attention
//go:generate go run ./rowwise -room norm -out ../norm/norm_amd64.s -stubs ../norm/norm_stubs_amd64.go -offsets ../norm/norm_offsets_amd64.go -pkg norm
//go:generate go run ./layernorm -out ../layernorm/layernorm_amd64.s -stubs ../layernorm/layernorm_stubs_amd64.go -offsets ../layernorm/layernorm_offsets_amd64.go -pkg layernorm
//go:generate go run ./rowwise -room optimizer -out ../optimizer/optimizer_amd64.s -stubs ../optimizer/optimizer_stubs_amd64.go -offsets ../optimizer/optimizer_offsets_amd64.go -pkg optimizer
//go:generate go run ./pool -out ../pool/pool_amd64.s -stubs ../pool/pool_stubs_amd64.go -offsets ../pool/pool_offsets_amd64.go -pkg pool
//go:generate go run ./pixel -out ../pixel/pixel_amd64.s -stubs ../pixel/pixel_stubs_amd64.go -offsets ../pixel/pixel_offsets_amd64.go -pkg pixel
//go:generate go run ./ground -out ../ground/ground_amd64.s -stubs ../ground/ground_stubs_amd64.go -pkg ground
//go:generate go run ./gemm -arm64 ../gemm/gemm
//go:generate go run ./winograd -arm64 ../winograd/winograd
//go:generate go run ./rowwise -room elementwise -arm64 ../elementwise/elementwise
//go:generate go run ./rowwise -room attention -arm64 ../attention/attention
//go:generate go run ./rowwise -room norm -arm64 ../norm/norm
//go:generate go run ./rowwise -room optimizer -arm64 ../optimizer/optimizer
//go:generate go run ./layernorm -arm64 ../layernorm/layernorm
//go:generate go run ./pool -arm64 ../pool/pool
//go:generate go run ./depthwise -arm64 ../depthwise/depthwise
//go:generate go run ./pixel -arm64 ../pixel/pixel
