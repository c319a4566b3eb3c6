//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// function is one of the MPI functions that are used.
type function int

const (
	initThread function = iota
	finalize
	abort
	getLibraryVersion
	errorString
	commRank
	commSize
	commSetErrhandler
	commSplitType
	typeSize
	bcast
	allgather
	ibarrier
	isend
	irecv
	testall
	functions // their number
)

// String is the function's name in MPI.
func (f function) String() string {
	return [...]string{"MPI_Init_thread", "MPI_Finalize", "MPI_Abort", "MPI_Get_library_version", "MPI_Error_string", "MPI_Comm_rank", "MPI_Comm_size",
		"MPI_Comm_set_errhandler", "MPI_Comm_split_type", "MPI_Type_size", "MPI_Bcast", "MPI_Allgather",
		"MPI_Ibarrier", "MPI_Isend", "MPI_Irecv", "MPI_Testall"}[f]
}

// Error is an error that an MPI function returned.
type Error struct {
	Function string // such as MPI_Bcast
	Code     int    // of the library
	Text     string // what the library says about the code
}

// Error has the library's words.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s (code %d)", e.Function, e.Text, e.Code) }

// call calls a function. Pointers to Go memory are converted to uintptr in the
// call's arguments only, which keeps the memory on the heap and alive.
//
//go:uintptrescapes
func (l *library) call(f function, args ...uintptr) error {
	r, _, _ := purego.SyscallN(l.address[f], args...)
	if code := int32(r); code != 0 {
		return l.fault(f, code)
	}
	return nil
}

// fault is the error of a code.
func (l *library) fault(f function, code int32) error {
	return &Error{Function: f.String(), Code: int(code), Text: strings.ReplaceAll(l.text(errorString, 8192, uintptr(code)), "\n", " ")}
}

// text calls a function whose last arguments are a buffer and its length.
func (l *library) text(f function, size int, args ...uintptr) string {
	buf, n := make([]byte, size), new(int32)
	args = append(args, uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(n)))
	purego.SyscallN(l.address[f], args...)
	return strings.TrimRight(string(buf[:max(0, min(int(*n), size))]), "\x00 \n")
}

// integer calls a function that writes an int.
func (l *library) integer(f function, of uintptr) (int, error) {
	n := new(int32)
	err := l.call(f, of, uintptr(unsafe.Pointer(n)))
	return int(*n), err
}
