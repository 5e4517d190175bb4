"""Processes that compute together, as MPI has them, and arrays between them. The only room that imports mpi4py."""
