// Package pool holds max pooling over windows, the stem of a ResNet that ends in
// it, and pooling over the whole map, forward and backward, NHWC.
package pool
