// Package mpi connects the ranks of a job by the MPI library that the machine has,
// found when the program runs and called without cgo. Its Group implements
// distributed.Group.
//
// A program that imports this package is no static binary any more, whether it uses MPI or
// not: that is why cmd/whippet does not, and there is cmd/whippet-mpi.
//
// MPI libraries do things to a Go process that it must be guarded against. They
// take signal handlers (signals_linux.go), they wait by asking without end, which
// takes a processor from whoever computes (exchange.go), and on fast networks they
// remember where memory is (buffer.go).
package mpi
