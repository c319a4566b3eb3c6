//go:build !((linux || darwin) && (amd64 || arm64))

package mpi

import (
	"fmt"
	"os"
	"runtime"

	"github.com/whippet-ml/whippet/distributed"
	"github.com/whippet-ml/whippet/internal/launcher"
)

// Group is a group of ranks; this system has none.
type Group struct{ distributed.Alone }

// Start returns an error: MPI libraries are called on Linux and macOS only.
func Start(from launcher.Launcher) (*Group, error) {
	return nil, fmt.Errorf("mpi: %s started several ranks, which are connected on Linux and macOS (amd64 and arm64) only, not on %s/%s", from.Name, runtime.GOOS, runtime.GOARCH)
}

// Name says which library connects the ranks.
func (g *Group) Name() string { return "" }

// Exit ends the process.
func (g *Group) Exit(code int) { os.Exit(code) }
