#!/bin/bash
# sbatch slurm.sh: eight ranks on eight machines, one each, with all of its cores. When the time is
# nearly over the run stops after its step, and the job goes to the queue again.
#SBATCH --job-name=whippet
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
out=runs/photos
if [ -d "$out.partial" ]; then
  what=(--resume "$out")
else
  what=(--data /data/photos --out "$out" --batch 256 --shards 8)
fi
# -K ends all ranks when one ends with an error; Slurm does not without it.
srun -K --mpi=pmix --cpus-per-task="$SLURM_CPUS_ON_NODE" whippet train "${what[@]}"
if [ -d "$out.partial" ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
