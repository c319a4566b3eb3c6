#!/bin/bash
# sbatch predict-array.sh: 100 tasks, 10 at a time, classify their parts of the pictures of a list. When
# all are done: whippet merge --out answers/answers.csv. Tasks that failed are submitted again by their
# numbers: sbatch --array=7,31 predict-array.sh.
#SBATCH --job-name=whippet-predict
#SBATCH --array=1-100%10
#SBATCH --cpus-per-task=4
#SBATCH --time=02:00:00
exec whippet predict runs/photos --files-from photos.txt --part auto --parts 100 --out answers/answers.csv
