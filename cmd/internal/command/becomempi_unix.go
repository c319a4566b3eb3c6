//go:build unix

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/whippet-ml/whippet/internal/launcher"
)

// mpiProgram is the program that is this one with MPI.
const mpiProgram = "whippet-mpi"

// becomeMPI makes this process the program with MPI, with the same arguments and
// environment. It returns only with an error.
func becomeMPI(l launcher.Launcher) error {
	path, err := findMPIProgram()
	if err != nil {
		return fmt.Errorf("%s started %s, which %s connects: it is neither beside this program nor on PATH; install it there on every machine (go install github.com/whippet-ml/whippet/cmd/%s@latest)",
			l.Name, ranksOf(l), mpiProgram, mpiProgram)
	}
	err = syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ())
	if errors.Is(err, fs.ErrNotExist) { // the file is there, its interpreter is not
		return fmt.Errorf("%s needs the loader of a system with glibc, which is not here: use an image with one, such as debian's", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// findMPIProgram looks beside this program, then on PATH.
func findMPIProgram() (string, error) {
	if self, err := os.Executable(); err == nil {
		if p, err := exec.LookPath(filepath.Join(filepath.Dir(self), mpiProgram)); err == nil {
			return p, nil
		}
	}
	return exec.LookPath(mpiProgram)
}
