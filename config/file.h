/*
 * file.h: reads a whole small file into memory.
 */
#ifndef RL_FILE_H
#define RL_FILE_H

#include <stddef.h>

#include "core/rankloss.h"

/*
 * Reads the file at `path`, at most `max` bytes. The caller frees the buffer, which ends with a
 * NUL that is not counted. A pipe is read to its end; it fails if nothing arrives
 * for two seconds, so that a reload never hangs.
 * RL_CONFIG "<setting>: cannot read <path>: <reason>", RL_NOMEM.
 */
enum rl_status rl_file_read(const char *path, const char *setting, size_t max, char **ret_data,
                            size_t *ret_length, struct rl_error *error);

#endif
