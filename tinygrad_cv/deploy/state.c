/* ---- state from and to files in the format safetensors ---- */

struct NAME_tensor {
  const char *name, *dtype, *shape; /* the shape as "6,1,5,5" */
  size_t at, nbytes;                /* in NAME */
};

static const struct NAME_tensor NAME_tensors[] = {
TENSORS
};

#define NAME_TENSORS (sizeof NAME_tensors / sizeof NAME_tensors[0])

/* Text that is being read: the next character, and the end. */
struct NAME_text {
  const char *at, *end;
};

static inline int NAME_next(struct NAME_text *text, char c) {
  while (text->at < text->end && strchr(" \t\r\n", *text->at)) text->at++;
  if (text->at >= text->end || *text->at != c) return 0;
  text->at++;
  return 1;
}

/* A string of JSON, cut after size - 1 characters; 0 if there is none. */
static inline int NAME_string(struct NAME_text *text, char *to, size_t size) {
  size_t n = 0;
  if (!NAME_next(text, '"')) return 0;
  for (; text->at < text->end && *text->at != '"'; text->at++) {
    if (*text->at == '\\' && ++text->at == text->end) return 0;
    if (n + 1 < size) to[n++] = *text->at;
  }
  to[n] = 0;
  return NAME_next(text, '"');
}

/* Numbers of JSON in brackets, as "6,1,5,5"; 0 if there are none that fit. */
static inline int NAME_numbers(struct NAME_text *text, char *to, size_t size) {
  size_t n = 0;
  if (!NAME_next(text, '[')) return 0;
  while (text->at < text->end && *text->at != ']' && n + 1 < size) {
    if (strchr("0123456789,", *text->at)) to[n++] = *text->at;
    else if (!strchr(" \t\r\n", *text->at)) return 0;
    text->at++;
  }
  to[n] = 0;
  return NAME_next(text, ']');
}

/* Passes over an object that holds strings. */
static inline int NAME_metadata(struct NAME_text *text) {
  char ignored[2];
  if (!NAME_next(text, '{')) return 0;
  if (NAME_next(text, '}')) return 1;
  do {
    if (!NAME_string(text, ignored, sizeof ignored) || !NAME_next(text, ':')) return 0;
    if (!NAME_string(text, ignored, sizeof ignored)) return 0;
  } while (NAME_next(text, ','));
  return NAME_next(text, '}');
}

/* One pass over a header; data are copied if m is not NULL. The number of tensors that it sets, or -1. */
static inline int NAME_read(NAME *m, struct NAME_text text, const char *data, unsigned long long size) {
  char name[512], key[32], dtype[16], shape[256], place[64];
  int count = 0;
  if (!NAME_next(&text, '{')) return -1;
  if (NAME_next(&text, '}')) return 0;
  do {
    size_t i;
    unsigned long long from, to;
    dtype[0] = shape[0] = place[0] = 0;
    if (!NAME_string(&text, name, sizeof name) || !NAME_next(&text, ':')) return -1;
    if (!strcmp(name, "__metadata__")) {
      if (!NAME_metadata(&text)) return -1;
      continue;
    }
    if (!NAME_next(&text, '{')) return -1;
    do {
      if (!NAME_string(&text, key, sizeof key) || !NAME_next(&text, ':')) return -1;
      if (!strcmp(key, "dtype") ? !NAME_string(&text, dtype, sizeof dtype)
          : !strcmp(key, "shape") ? !NAME_numbers(&text, shape, sizeof shape)
                                  : !NAME_numbers(&text, place, sizeof place)) return -1;
    } while (NAME_next(&text, ','));
    if (!NAME_next(&text, '}') || sscanf(place, "%llu,%llu", &from, &to) != 2) return -1;
    for (i = 0; i < NAME_TENSORS; i++) {
      const struct NAME_tensor *tensor = &NAME_tensors[i];
      if (strcmp(tensor->name, name)) continue;
      if (strcmp(tensor->dtype, dtype) || strcmp(tensor->shape, shape)) return -1;
      if (from > to || to > size || to - from != tensor->nbytes) return -1;
      if (m) memcpy((char *)m + tensor->at, data + from, tensor->nbytes);
      count++;
    }
  } while (NAME_next(&text, ','));
  return NAME_next(&text, '}') ? count : -1;
}

/* State from a file: tensors of other names are ignored, and state that is not in it stays. The number of tensors that
   it has set; or -1, and nothing has changed, if the file cannot be read, or one of them is of another shape or dtype. */
static inline int NAME_load(NAME *m, const char *path) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  long size = -1;
  int count = -1;
  if (file && !fseek(file, 0, SEEK_END) && (size = ftell(file)) >= 8 && !fseek(file, 0, SEEK_SET) &&
      (bytes = (char *)malloc((size_t)size)) && fread(bytes, 1, (size_t)size, file) == (size_t)size) {
    unsigned long long length = 0, rest = (unsigned long long)size - 8;
    int i;
    for (i = 7; i >= 0; i--) length = length << 8 | (unsigned char)bytes[i];
    if (length <= rest) {
      struct NAME_text text;
      const char *data = bytes + 8 + length;
      text.at = bytes + 8;
      text.end = data;
      if (NAME_read(NULL, text, data, rest - length) >= 0) count = NAME_read(m, text, data, rest - length);
    }
  }
  if (file) fclose(file);
  free(bytes);
  return count;
}

/* All state to a file: 0, or -1 if it cannot be written. */
static inline int NAME_save(const NAME *m, const char *path) {
  FILE *file = fopen(path, "wb");
  size_t i, at = 0, length = HEADER;
  int wrong = !file;
  for (i = 0; file && i < 8; i++) wrong |= fputc((int)((unsigned long long)length >> 8 * i & 255), file) == EOF;
  for (i = 0; file && i < NAME_TENSORS; i++) {
    const struct NAME_tensor *tensor = &NAME_tensors[i];
    wrong |= fprintf(file, "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", i ? ',' : '{',
                     tensor->name, tensor->dtype, tensor->shape, at, at + tensor->nbytes) < 0;
    at += tensor->nbytes;
  }
  if (file) wrong |= fprintf(file, "}%*s", PADDING, "") < 0;
  for (i = 0; file && i < NAME_TENSORS; i++)
    wrong |= fwrite((const char *)m + NAME_tensors[i].at, 1, NAME_tensors[i].nbytes, file) != NAME_tensors[i].nbytes;
  if (file) wrong |= fclose(file) != 0;
  return wrong ? -1 : 0;
}
