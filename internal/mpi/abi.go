//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"fmt"
	"path/filepath"
	"strings"
)

// abi is what a program must know of an MPI library to call it: what stands for
// the things that MPI defines. The values are those of the libraries' mpi.h.
type abi struct {
	name string
	// handle is the size in bytes of a handle that the library writes, 4 or 8.
	handle uintptr

	world, self          uintptr // communicators
	float, byte          uintptr // types
	errorsReturn         uintptr // the error handler that lets calls return errors
	infoNull             uintptr
	inPlace, ignore      uintptr  // MPI_IN_PLACE, MPI_STATUSES_IGNORE
	serialized, multiple int32    // levels of threading, the greater the more
	sharedMemory         int32    // MPI_COMM_TYPE_SHARED
	made                 []string // names of libraries of this ABI, for those that are known by their name
}

// mpich is the ABI of MPICH since 3.1 and of the libraries made from it, which
// have agreed on it: handles are 32-bit numbers.
var mpich = abi{
	name: "MPICH", handle: 4,
	world: 0x44000000, self: 0x44000001,
	float: 0x4c00040a, byte: 0x4c00010d,
	errorsReturn: 0x54000001, infoNull: 0x1c000000,
	inPlace: ^uintptr(0), ignore: 1,
	serialized: 2, multiple: 3, sharedMemory: 1,
	made: []string{"MPICH", "Intel(R) MPI", "MVAPICH", "ParaStation MPI"},
}

// standard is the ABI of the MPI 5.0 standard, appendix A: handles are small
// numbers as wide as a pointer.
var standard = abi{
	name: "MPI 5.0", handle: 8,
	world: 0x101, self: 0x102,
	float: 0x210, byte: 0x247,
	errorsReturn: 0x143, infoNull: 0x130,
	inPlace: 1, ignore: 0,
	serialized: 2048, multiple: 4096, sharedMemory: 221,
}

// openMPI returns the ABI of Open MPI and of the libraries made from it (IBM
// Spectrum MPI, Fujitsu, HPC-X): handles are addresses of global variables, which symbol
// finds by name.
func openMPI(symbol func(name string) uintptr) (abi, error) {
	a := abi{
		name: "Open MPI", handle: 8,
		inPlace: 1, ignore: 0,
		serialized: 2, multiple: 3, sharedMemory: 0,
	}
	for _, h := range []struct {
		at   *uintptr
		name string
	}{
		{&a.world, "ompi_mpi_comm_world"}, {&a.self, "ompi_mpi_comm_self"},
		{&a.float, "ompi_mpi_float"}, {&a.byte, "ompi_mpi_byte"},
		{&a.errorsReturn, "ompi_mpi_errors_return"}, {&a.infoNull, "ompi_mpi_info_null"},
	} {
		if *h.at = symbol(h.name); *h.at == 0 {
			return abi{}, fmt.Errorf("it has no symbol %s, as every Open MPI has", h.name)
		}
	}
	return a, nil
}

// recognize returns the ABI of a library: path is its file, version what
// MPI_Get_library_version says, major what MPI_Abi_get_version says, -1 where the
// library has no such function or is built for an ABI of its own.
func recognize(path, version string, major int, symbol func(name string) uintptr) (abi, error) {
	switch {
	case major == 1:
		return standard, nil
	case major > 1 || strings.HasPrefix(filepath.Base(path), "libmpi_abi."):
		return abi{}, fmt.Errorf("its MPI_Abi_get_version says %d: this program knows the ABI of version 1", major)
	case symbol("ompi_mpi_comm_world") != 0:
		return openMPI(symbol)
	}
	for _, name := range mpich.made {
		if strings.Contains(strings.ToUpper(version), strings.ToUpper(name)) {
			return mpich, nil
		}
	}
	return abi{}, fmt.Errorf("it calls itself %q, whose ABI is not known: known are Open MPI, MPICH and its kin (Intel MPI, MVAPICH, Cray MPICH), and libraries with the ABI of MPI 5.0 (libmpi_abi.so)", version)
}
