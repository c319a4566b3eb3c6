//go:build !unix

package command

import (
	"fmt"
	"runtime"

	"github.com/whippet-ml/whippet/internal/launcher"
)

// becomeMPI returns an error: on this system there is no program with MPI.
func becomeMPI(l launcher.Launcher) error {
	return fmt.Errorf("%s started %s, which are connected on Linux and macOS only, not on %s", l.Name, ranksOf(l), runtime.GOOS)
}
