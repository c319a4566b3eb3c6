// Package launcher recognizes by the environment that a process is one of several
// ranks of a parallel job, and which program started them: mpirun, mpiexec, srun
// and their kin.
package launcher

import (
	"fmt"
	"strconv"
)

// Family is a family of MPI libraries, as far as launchers tell them apart.
type Family string

// The families. Launchers of PMIx and of Slurm start programs of either.
const (
	OpenMPI Family = "Open MPI"
	MPICH   Family = "MPICH"
	Any     Family = ""
)

// Launcher is what started this process as a rank.
type Launcher struct {
	Name   string // as users know it, such as "mpirun of Open MPI"
	Family Family // of the MPI libraries whose programs it starts
	Rank   int    // of this process, -1 when the launcher does not say
	Size   int    // number of ranks, 0 when the launcher does not say
	// Refused says why MPI cannot connect the ranks that this launcher starts, and
	// what to do instead; "" when it can.
	Refused string
}

// Several reports whether there may be more ranks than this one.
func (l Launcher) Several() bool { return l.Size != 1 }

// kind is one launcher: the variables by which it is known.
type kind struct {
	name       string
	family     Family
	rank, size string   // variables; size may be "" where there is none
	also       []string // of which one must be set too, when there are any
	refused    string   // as in Launcher, with %d for the number of ranks
}

// kinds lists the launchers, the more particular first: most set the variables of
// those below too.
var kinds = []kind{
	{name: "mpirun of Open MPI", family: OpenMPI, rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE"},
	{name: "mpirun of MVAPICH", family: MPICH, rank: "MV2_COMM_WORLD_RANK", size: "MV2_COMM_WORLD_SIZE"},
	{name: "mpirun of Intel MPI", family: MPICH, rank: "PMI_RANK", size: "PMI_SIZE", also: []string{"I_MPI_MPIRUN", "I_MPI_HYDRA_BOOTSTRAP", "I_MPI_ROOT"}},
	{name: "srun with PMIx", family: Any, rank: "PMIX_RANK", size: "SLURM_STEP_NUM_TASKS", also: []string{"SLURM_STEP_ID"}},
	{name: "srun with PMI", family: MPICH, rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS", also: []string{"PMI_FD", "PMI_PORT", "PMI_JOBID", "PMI_CONTROL_PORT", "I_MPI_PMI_LIBRARY"}},
	{name: "mpiexec of Cray PALS", family: MPICH, rank: "PALS_RANKID", size: "PMI_SIZE"},
	{name: "flux", family: Any, rank: "FLUX_TASK_RANK", size: "FLUX_JOB_SIZE"},
	{name: "mpirun of MPICH", family: MPICH, rank: "PMI_RANK", size: "PMI_SIZE"},
	{name: "a launcher with PMIx", family: Any, rank: "PMIX_RANK", also: []string{"PMIX_NAMESPACE"}},
	{name: "srun", rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS", also: []string{"SLURM_STEP_ID"},
		refused: "srun started %d processes without the interface by which MPI finds the others: use srun --mpi=pmix or srun --mpi=pmi2 (srun --mpi=list tells which there are)"},
	{name: "Horovod", rank: "HOROVOD_RANK", size: "HOROVOD_SIZE",
		refused: "horovodrun started %d processes, but it is no launcher of MPI programs: start them with mpirun or srun"},
	{name: "torchrun", rank: "RANK", size: "WORLD_SIZE", also: []string{"MASTER_ADDR"},
		refused: "torchrun, or an operator that sets its variables, started %d processes, but it is no launcher of MPI programs: start them with mpirun or srun, in Kubernetes as an MPIJob or a TrainJob with an MPI runtime"},
}

// Detect returns the launcher that started this process, and whether there is one.
// env is os.Getenv.
func Detect(env func(string) string) (Launcher, bool) {
	for _, k := range kinds {
		l := Launcher{Name: k.name, Family: k.family, Rank: -1}
		if !k.matches(env) {
			continue
		}
		if n, err := strconv.Atoi(env(k.rank)); err == nil && n >= 0 {
			l.Rank = n
		}
		if n, err := strconv.Atoi(env(k.size)); err == nil && n > 0 {
			l.Size = n
		}
		if k.refused != "" {
			if l.Size < 2 { // these variables mean nothing to a single process
				continue
			}
			l.Refused = fmt.Sprintf(k.refused, l.Size)
		}
		return l, true
	}
	return Launcher{}, false
}

// matches reports whether the variables of a launcher are there.
func (k kind) matches(env func(string) string) bool {
	if env(k.rank) == "" {
		return false
	}
	for _, v := range k.also {
		if env(v) != "" {
			return true
		}
	}
	return len(k.also) == 0
}
