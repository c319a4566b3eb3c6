//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/whippet-ml/whippet/internal/launcher"
)

// Variable is the environment variable that names the MPI library: a file, or a
// name that the system's loader finds.
const Variable = "WHIPPET_MPI"

// library is an MPI library in this process.
type library struct {
	path    string // as it was opened
	version string // the first line of what it says about itself
	abi     abi
	address [functions]uintptr
}

// load opens the MPI library that the environment names, or the first that is
// found of those that belong to the launcher.
func load(from launcher.Launcher) (*library, error) {
	names := candidates(from)
	if s := os.Getenv(Variable); s != "" {
		names = []string{s}
	}
	var missing []error
	for _, name := range names {
		// Open MPI opens plug-ins, which need its symbols to be global.
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		l, err := open(name, handle)
		if err != nil {
			return nil, fmt.Errorf("the MPI library %s: %w; %s=FILE names another", name, err, Variable)
		}
		return l, nil
	}
	if s := os.Getenv(Variable); s != "" {
		return nil, fmt.Errorf("the MPI library of %s=%s: %w", Variable, s, missing[0])
	}
	return nil, fmt.Errorf("no MPI library found for %s (looked for %s): install or load the one that the launcher belongs to, or name its file with %s=FILE",
		from.Name, strings.Join(names, ", "), Variable)
}

// candidates lists the files and names to try. The library must be the one that
// the launcher belongs to: another does not find the other ranks, and each
// process would be alone. So what lies beside the launcher comes first.
func candidates(from launcher.Launcher) []string {
	names := map[launcher.Family][]string{
		launcher.OpenMPI: {"libmpi.so.40", "libmpi.so.80"},
		launcher.MPICH:   {"libmpi.so.12", "libmpich.so.12"},
	}
	neutral := []string{"libmpi_abi.so.1", "libmpi_abi.so.0"}
	if runtime.GOOS == "darwin" {
		names[launcher.OpenMPI] = []string{"libmpi.40.dylib", "libmpi.80.dylib"}
		names[launcher.MPICH] = []string{"libmpi.12.dylib", "libpmpi.12.dylib"}
		neutral = []string{"libmpi_abi.1.dylib", "libmpi_abi.0.dylib"}
	}
	order := slices.Concat(names[launcher.OpenMPI], names[launcher.MPICH], neutral)
	if from.Family != launcher.Any {
		order = slices.Concat(names[from.Family], neutral)
	}
	var beside []string
	for _, dir := range launcherLibraries() {
		for _, name := range order {
			if f := filepath.Join(dir, name); exists(f) {
				beside = append(beside, f)
			}
		}
	}
	return append(beside, order...)
}

// launcherLibraries returns the folders where the libraries of an MPI lie whose
// launcher is this process's parent, as far as that can be seen.
func launcherLibraries() (dirs []string) {
	if prefix := os.Getenv("OPAL_PREFIX"); prefix != "" { // an Open MPI that was moved
		dirs = append(dirs, filepath.Join(prefix, "lib"))
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", os.Getppid())); err == nil {
		if bin := filepath.Dir(exe); filepath.Base(bin) == "bin" {
			dirs = append(dirs, filepath.Join(bin, "../lib"), filepath.Join(bin, "../lib64"), filepath.Join(bin, "../lib/release"))
		}
	}
	return dirs
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// open finds the functions of an opened library and recognizes its ABI.
func open(path string, handle uintptr) (*library, error) {
	l := &library{path: path}
	symbol := func(name string) uintptr {
		p, err := purego.Dlsym(handle, name)
		if err != nil {
			return 0
		}
		return p
	}
	for f := range functions {
		if l.address[f] = symbol(f.String()); l.address[f] == 0 {
			return nil, fmt.Errorf("it has no function %s: it is no library of MPI 3.0 or later", f)
		}
	}
	l.version, _, _ = strings.Cut(l.text(getLibraryVersion, 8192), "\n")
	major := -1
	if f := symbol("MPI_Abi_get_version"); f != 0 {
		v := new([2]int32)
		if r, _, _ := purego.SyscallN(f, uintptr(unsafe.Pointer(&v[0])), uintptr(unsafe.Pointer(&v[1]))); int32(r) == 0 {
			major = int(v[0])
		}
	}
	var err error
	l.abi, err = recognize(path, l.version, major, symbol)
	return l, err
}

// errNotMPI is what a library says whose handles are not what was taken for them.
var errNotMPI = errors.New("its types have other sizes than MPI's: its ABI is not the one that it was taken for")
