// A library that has MPI's functions and calls itself something that nobody knows.
#include <string.h>

int MPI_Get_library_version(char *text, int *length) {
  strcpy(text, "Unheard-of MPI 1.0\nof tests");
  *length = (int)strlen(text);
  return 0;
}

#define FUNCTION(name) int name(void) { return 1; }
FUNCTION(MPI_Init_thread)
FUNCTION(MPI_Finalize)
FUNCTION(MPI_Abort)
FUNCTION(MPI_Error_string)
FUNCTION(MPI_Comm_rank)
FUNCTION(MPI_Comm_size)
FUNCTION(MPI_Comm_set_errhandler)
FUNCTION(MPI_Comm_split_type)
FUNCTION(MPI_Type_size)
FUNCTION(MPI_Bcast)
FUNCTION(MPI_Allgather)
FUNCTION(MPI_Ibarrier)
FUNCTION(MPI_Isend)
FUNCTION(MPI_Irecv)
FUNCTION(MPI_Testall)
