// Command whippet-mpi is the command whippet with MPI: started by mpirun, srun or
// another launcher of MPI programs, its ranks train one model together.
//
//	mpirun -np 4 whippet-mpi train --data photos/ --shards 4
//
// The program whippet becomes this one when a launcher starts it, so that it need
// not be named. It is a program of its own since calling an MPI library makes
// it need the system's loader, which whippet does not.
package main

import (
	"os"

	"github.com/whippet-ml/whippet/cmd/internal/command"
	"github.com/whippet-ml/whippet/internal/launcher"
	"github.com/whippet-ml/whippet/internal/mpi"
)

func main() {
	os.Exit(command.Main(func(l launcher.Launcher) (command.Ranks, error) { return mpi.Start(l) }))
}
