package ground

// Padding is how many rows and columns of zeros surround the input of a
// convolution or a pool. The sides may differ, as in TensorFlow's "same" padding at
// stride 2.
type Padding struct{ Top, Bottom, Left, Right int }
