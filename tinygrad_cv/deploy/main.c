/* Calls NAME with arguments from standard input until they end, and prints what it returns.

     cc -O2 MAIN OBJECT LIBRARIES -o NAME && ./NAME START < arguments

   Arguments are the bytes of ARGUMENTS, one call after the other. With the name of
   another file at the end, state is written to it. */
#include "HEADER"

int main(int argc, char **argv) {
  NAME *m = NAME_new();
  if (!m || argc < 2 || NAME_load(m, argv[1]) < 0) {
    fprintf(stderr, "usage: %s START [file for the state] < arguments\n", argv[0]);
    return 1;
  }
  for (;;) {
READ
    if (NAME_step(m)) {
      puts("not valid: an argument is out of range, or numbers overflow");
      continue;
    }
PRINT
  }
  if (argc > 2 && NAME_save(m, argv[2])) return 1;
  free(m);
  return 0;
}
