//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"strings"
	"testing"
)

func TestRecognize(t *testing.T) {
	symbols := map[string]uintptr{"ompi_mpi_comm_world": 10, "ompi_mpi_comm_self": 11, "ompi_mpi_float": 12, "ompi_mpi_byte": 13, "ompi_mpi_errors_return": 14, "ompi_mpi_info_null": 15}
	ompi := func(name string) uintptr { return symbols[name] }
	none := func(string) uintptr { return 0 }
	for _, c := range []struct {
		path, version string
		major         int
		symbol        func(string) uintptr
		world         uintptr // 0 for an error
		says          string  // a part of the error
	}{
		{"libmpi.so.40", "Open MPI v4.1.4, package: Debian OpenMPI", -1, ompi, 10, ""},
		{"libmpi_ibm.so.3", "IBM Spectrum MPI 10.4", -1, ompi, 10, ""},
		{"libmpich.so.12", "MPICH Version:\t4.0.2", -1, none, 0x44000000, ""},
		{"libmpi.so.12", "MPICH Version:      5.0.2", -1, none, 0x44000000, ""},
		{"libmpi.so.12", "Intel(R) MPI Library 2021.14 for Linux* OS", -1, none, 0x44000000, ""},
		{"libmpi.so.12", "MVAPICH2 Version      :\t2.3.7", -1, none, 0x44000000, ""},
		{"libmpi_cray.so.12", "MPI VERSION    : CRAY MPICH version 8.1.29.8", -1, none, 0x44000000, ""},
		{"libmpi_abi.so.1", "MPICH Version:      5.0.2", 1, none, 0x101, ""},
		{"libmpi_abi.so.0", "Open MPI v6.0.0", 1, ompi, 0x101, ""}, // its own symbols are there too
		{"libmpi_abi.so.2", "MPICH Version:      7.0.0", 2, none, 0, "version 1"},
		{"libmpi.so", "HPE MPT 2.26  01/10/22 02:35:27", -1, none, 0, `"HPE MPT 2.26  01/10/22 02:35:27", whose ABI is not known`},
		{"libmpi.so.40", "Open MPI v9", -1, func(name string) uintptr { return map[string]uintptr{"ompi_mpi_comm_world": 1}[name] }, 0, "no symbol ompi_mpi_comm_self"},
	} {
		a, err := recognize(c.path, c.version, c.major, c.symbol)
		switch {
		case c.world != 0 && (err != nil || a.world != c.world):
			t.Errorf("%s, %s: MPI_COMM_WORLD is %#x, %v, want %#x", c.path, c.version, a.world, err, c.world)
		case c.world == 0 && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s, %s: %v, want an error with %q", c.path, c.version, err, c.says)
		}
	}
}
