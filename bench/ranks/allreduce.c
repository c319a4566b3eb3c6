// What a C program takes for the same sum: mpicc -O2 -o allreduce allreduce.c;
// mpirun -np 2 allreduce MEGABYTES TIMES. It adds in the order that the library
// chooses, which is not that of Whippet.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int level, rank, size;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int n = (argc > 1 ? atoi(argv[1]) : 85) * 1000000 / 4, times = argc > 2 ? atoi(argv[2]) : 8;
  float *x = malloc(n * sizeof(float));
  double best = 1e9;
  for (int t = 0; t < times; t++) {
    for (int i = 0; i < n; i++) x[i] = 1;
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    double took = MPI_Wtime() - began;
    if (took < best) best = took;
  }
  if (rank == 0) printf("sum in C, %d ranks: best %.1f ms\n", size, best * 1e3);
  MPI_Finalize();
}
