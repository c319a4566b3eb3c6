// Package optimizer has the kernels of the optimizers' steps: one pass over
// parameters, gradients and state. They are fastai's, with decoupled weight
// decay.
package optimizer
