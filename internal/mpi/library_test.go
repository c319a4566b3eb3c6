//go:build (linux || darwin) && (amd64 || arm64)

package mpi

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/internal/launcher"
	"github.com/whippet-ml/whippet/internal/testkit/slow"
)

// TestNoLibrary has a launcher to whose family no library of this machine belongs.
func TestNoLibrary(t *testing.T) {
	t.Setenv(Variable, "")
	from := launcher.Launcher{Name: "mpirun of nobody", Family: "nobody"}
	l, err := load(from)
	if err == nil {
		t.Skipf("%s is installed, which any launcher may use", l.path)
	}
	for _, s := range []string{"no MPI library found for mpirun of nobody", "libmpi_abi", Variable + "=FILE"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v; want %q in it", err, s)
		}
	}
}

// TestUnknownABI gives ranks a library that has all of MPI's functions, and says that it is one of which
// the ABI is not known.
func TestUnknownABI(t *testing.T) {
	slow.Test(t)
	library := filepath.Join(t.TempDir(), "libmpi.so")
	cc := cmp.Or(os.Getenv("CC"), "cc")
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", library, "testdata/unknown.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv(Variable, library)
	_, err := load(launcher.Launcher{Name: "mpirun of nobody"})
	for _, s := range []string{library, `it calls itself "Unheard-of MPI 1.0", whose ABI is not known: known are Open MPI, MPICH`, Variable + "=FILE names another"} {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%v; want %q in it", err, s)
		}
	}
}
