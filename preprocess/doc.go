// Package preprocess says how a picture becomes a network's input: sizes, the way
// a picture is made square, the filter, the statistics. It is the value alone,
// which model files and published weights carry; package vision carries it out.
package preprocess
