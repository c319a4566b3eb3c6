// Package weights reads and writes the parameters of networks in the formats
// that others use: safetensors in both directions, PyTorch checkpoints in
// (the zip format of PyTorch 1.6 and later, and the older one).
//
// Files are untrusted. Sizes are checked against the file before memory is
// taken for them, and loading never runs anything: of the pickle inside a
// PyTorch checkpoint only dictionaries, lists, strings, numbers and tensors
// are understood. Whatever else it would call is an object that does nothing;
// where that is a network (torch.save(model), fastai's learner.export), its
// parameters are read like a state dict, and otherwise it is an error.
//
// # Limits
//
// Files beyond these are refused, with an error that says so:
//
//	safetensors header                32 MiB
//	pickle of a PyTorch checkpoint    32 MiB and 4 194 304 operations
//	arrays of a PyTorch checkpoint    1 MiB + 8 times the size of the file
//	unpacked entries of its archive   within the same sum
//	modules of a saved network        64 deep, 32 768 with their arrays, names of 1000 bytes
//	dimensions of an array            64
//
// safetensors files need no limit on their arrays: the format lets no two
// share a byte.
//
// The package knows names, shapes and numbers. What a name means, and which
// layout a network wants inside, is package models' and package nn's.
package weights
