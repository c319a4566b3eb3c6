// Package pickle reads Python's pickles as data.
//
// A pickle is a program for a small stack machine, and Python's own reader lets it
// call any function. This reader keeps the stack machine and leaves the calling
// out: a call becomes an Object that says what was called and with what, unless
// the reader's owner knows the name and gives a value for it.
//
// Operations are those of protocols 2 to 5 (Python's pickletools documents them);
// the text operations of protocols 0 and 1 and the extension registry are refused,
// PyTorch writes none of them. Pickles are untrusted: lengths are checked against
// what is there before memory is taken, and the number of operations is bounded.
//
// github.com/nlpodyssey/gopickle (v0.2.0) runs nothing either, but it takes memory
// for whatever length a file declares.
package pickle
