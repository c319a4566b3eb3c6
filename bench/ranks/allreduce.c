//go:build ignore

// What a C program takes for the sum of which `ranks -sum` tells the time in Go:
//
//   mpicc -O2 -o allreduce allreduce.c
//   mpirun -n 2 allreduce MEGABYTES TIMES
//
// It takes the library's own MPI_Allreduce, which adds in an order that the library chooses,
// and then does what Whippet does: blocks are exchanged in messages of 4 MiB, each rank adds
// up its own, and the sums are exchanged again.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE = 1 << 20, PIECE = 1 << 12 }; // floats

static int rank, size;
static MPI_Request *requests;

// begin starts to send or receive n floats in messages, and returns how many.
static int begin(int sends, float *x, int n, int peer, MPI_Request *r) {
  int k = 0;
  for (; n > 0; x += MESSAGE, n -= MESSAGE, k++) {
    int m = n < MESSAGE ? n : MESSAGE;
    if (sends)
      MPI_Isend(x, m, MPI_FLOAT, peer, 0, MPI_COMM_WORLD, r + k);
    else
      MPI_Irecv(x, m, MPI_FLOAT, peer, 0, MPI_COMM_WORLD, r + k);
  }
  return k;
}

static void library(float *x, float *unused, int n) {
  (void)unused;
  MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

static void exchange(float *x, float *recv, int n) {
  int block = n / size, k = 0;
  for (int d = 1; d < size; d++) {
    int peer = (rank + d) % size;
    k += begin(0, recv + (size_t)peer * block, block, peer, requests + k);
  }
  for (int d = 1; d < size; d++) {
    int peer = (rank + size - d) % size;
    k += begin(1, x + (size_t)peer * block, block, peer, requests + k);
  }
  float *own = x + (size_t)rank * block;
  MPI_Waitall(k, requests, MPI_STATUSES_IGNORE);
  for (int from = 0; from < block; from += PIECE) {
    int m = block - from < PIECE ? block - from : PIECE;
    for (int width = 1; width < size; width *= 2)
      for (int at = 0; at < size; at += 2 * width) {
        float *a = (at == rank ? own : recv + (size_t)at * block) + from;
        const float *b = (at + width == rank ? own : recv + (size_t)(at + width) * block) + from;
        float *sum = 2 * width == size ? own + from : a;
        for (int i = 0; i < m; i++) sum[i] = a[i] + b[i];
      }
  }
  k = 0;
  for (int d = 1; d < size; d++) {
    int peer = (rank + d) % size;
    k += begin(0, x + (size_t)peer * block, block, peer, requests + k);
  }
  for (int d = 1; d < size; d++) {
    int peer = (rank + size - d) % size;
    k += begin(1, own, block, peer, requests + k);
  }
  MPI_Waitall(k, requests, MPI_STATUSES_IGNORE);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// measure prints the times of a way to add n floats.
static void measure(const char *name, void (*sum)(float *, float *, int), float *x, float *recv, int n, int times) {
  double *took = malloc(times * sizeof(double));
  for (int t = 0; t < times; t++) {
    for (int i = 0; i < n; i++) x[i] = 1;
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    sum(x, recv, n);
    took[t] = MPI_Wtime() - began;
    if (x[n - 1] != size) {
      fprintf(stderr, "%s: the sum of ones over %d ranks is %g\n", name, size, x[n - 1]);
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
  }
  qsort(took, times, sizeof(double), ascending);
  if (rank == 0) printf("%s in C, %d ranks: best %.1f ms, median %.1f ms\n", name, size, took[0] * 1e3, took[times / 2] * 1e3);
  free(took);
}

int main(int argc, char **argv) {
  int level;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int n = (argc > 1 ? atoi(argv[1]) : 85) * 1000000 / 4, times = argc > 2 ? atoi(argv[2]) : 8;
  n = n / size * size;
  float *x = malloc(n * sizeof(float)), *recv = calloc(n, sizeof(float));
  requests = malloc(2 * size * (n / size / MESSAGE + 1) * sizeof(MPI_Request));
  measure("MPI_Allreduce", library, x, recv, n, times);
  measure("exchange and sum", exchange, x, recv, n, times);
  MPI_Finalize();
}
