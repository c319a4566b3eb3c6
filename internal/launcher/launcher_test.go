package launcher

import (
	"strings"
	"testing"
)

// TestDetect has the variables that launchers set, as seen in processes that they
// started.
func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name       string
		env        string // NAME=VALUE, separated by spaces
		want       string // name, "" for none
		family     Family
		rank, size int
		refused    string // a part
	}{
		{name: "none", env: "HOME=/root"},
		{name: "Open MPI 4", env: "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 PMIX_RANK=3 PMIX_NAMESPACE=17400", want: "mpirun of Open MPI", family: OpenMPI, rank: 3, size: 4},
		{name: "Open MPI within a Slurm job", env: "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 SLURM_JOB_ID=7 SLURM_NTASKS=2 SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1", want: "mpirun of Open MPI", family: OpenMPI, size: 2},
		{name: "MPICH", env: "PMI_RANK=1 PMI_SIZE=2 PMI_FD=6 MPI_LOCALNRANKS=2 MPI_LOCALRANKID=1", want: "mpirun of MPICH", family: MPICH, rank: 1, size: 2},
		{name: "Intel MPI", env: "PMI_RANK=1 PMI_SIZE=2 PMI_FD=6 I_MPI_MPIRUN=mpirun", want: "mpirun of Intel MPI", family: MPICH, rank: 1, size: 2},
		{name: "one rank", env: "PMI_RANK=0 PMI_SIZE=1 PMI_FD=6", want: "mpirun of MPICH", family: MPICH, size: 1},
		{name: "srun --mpi=pmix", env: "SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4 PMIX_RANK=1 PMIX_NAMESPACE=slurm.pmix.7.0", want: "srun with PMIx", rank: 1, size: 4},
		{name: "srun --mpi=pmi2", env: "SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4 PMI_FD=9 PMI_JOBID=7.0 PMI_RANK=2 PMI_SIZE=4", want: "srun with PMI", family: MPICH, rank: 2, size: 4},
		{name: "srun without PMI", env: "SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4", want: "srun", size: 4, refused: "srun --mpi=pmix"},
		{name: "a step of one task", env: "SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=1"},
		{name: "a batch script", env: "SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=4"},
		{name: "an array job", env: "SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_ARRAY_TASK_ID=3"},
		{name: "PMIx alone", env: "PMIX_RANK=1 PMIX_NAMESPACE=prterun-1", want: "a launcher with PMIx", rank: 1},
		{name: "torchrun", env: "RANK=1 WORLD_SIZE=2 MASTER_ADDR=10.0.0.1 LOCAL_RANK=0", want: "torchrun", rank: 1, size: 2, refused: "MPIJob"},
		{name: "one process of torchrun", env: "RANK=0 WORLD_SIZE=1 MASTER_ADDR=10.0.0.1"},
		{name: "a variable of another meaning", env: "RANK=colonel"},
		{name: "a number that is none", env: "PMI_RANK=x PMI_SIZE=-2", want: "mpirun of MPICH", family: MPICH, rank: -1},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		got, ok := Detect(func(s string) string { return env[s] })
		if ok != (c.want != "") || got.Name != c.want {
			t.Errorf("%s: launcher %q, want %q", c.name, got.Name, c.want)
			continue
		}
		if got.Family != c.family || got.Rank != c.rank || got.Size != c.size {
			t.Errorf("%s: %+v, want family %q, rank %d of %d", c.name, got, c.family, c.rank, c.size)
		}
		if (got.Refused != "") != (c.refused != "") || !strings.Contains(got.Refused, c.refused) {
			t.Errorf("%s: refused %q, want %q in it", c.name, got.Refused, c.refused)
		}
	}
}
