
/* For threads of your own: THREADS of them call it at once, each with its part, from 0 on. All return the same. */
int NAME_part(NAME *m, int part);

struct NAME_thread {
  NAME *m;
  int part;
};

static inline void *NAME_start(void *given) {
  struct NAME_thread *thread = (struct NAME_thread *)given;
  NAME_part(thread->m, thread->part);
  return NULL;
}

static inline int NAME_step(NAME *m) {
  pthread_t threads[THREADS];
  struct NAME_thread given[THREADS];
  int part, result;
  for (part = 1; part < THREADS; part++) {
    given[part].m = m;
    given[part].part = part;
    if (pthread_create(&threads[part], NULL, NAME_start, &given[part])) abort(); /* those that have begun would wait */
  }
  result = NAME_part(m, 0);
  for (part = 1; part < THREADS; part++) pthread_join(threads[part], NULL);
  return result;
}
