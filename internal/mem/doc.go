// Package mem keeps memory from one use for the next. It is the one place that
// does, so that there is one account of what is held (Held):
//
//   - Heap hands out large buffers that the garbage collector does not see, cut
//     from a few regions: the activations of training and inference.
//   - Buffers keeps float32 buffers by size, as many as were in use at one time,
//     or at most a given number: the kernels' workspace, the loaders' batches.
//   - Get and Put keep small values, such as the records of a training step.
//   - Pool and Slices keep what the collector may take when memory is short:
//     decoders, pixels. They are not in the account, as what they have is not held.
package mem
