// Package weights reads and writes the parameters of networks in the formats
// that others use: safetensors in both directions, PyTorch checkpoints in
// (the zip format of PyTorch 1.6 and later, and the older one).
//
// Files are untrusted. Sizes are checked against the file before memory is
// taken for them, and loading never runs anything: of the pickle inside a
// PyTorch checkpoint only dictionaries, lists, strings, numbers and tensors
// are understood, and any other thing it asks for is an error.
//
// # Limits
//
// Files beyond these are refused, with an error that says so:
//
//	safetensors header                32 MiB
//	pickle of a PyTorch checkpoint    32 MiB and 4 194 304 operations
//	arrays of a PyTorch checkpoint    1 MiB + 8 times the size of the file
//	unpacked entries of its archive   within the same sum
//	dimensions of an array            64
//
// safetensors files need no limit on their arrays: the format lets no two
// share a byte.
//
// The pickle reader is our own. github.com/nlpodyssey/gopickle (v0.2.0) runs
// nothing either, but it takes memory for whatever length a file declares,
// panics on windows of storages in legacy files, has neither nn.Parameter nor
// io.ReaderAt, and keeps everything that it does not know as an object.
//
// The package knows names, shapes and numbers. What a name means, and which
// layout a network wants inside, is package models' and package nn's.
package weights
