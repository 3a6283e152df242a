/*
 * scratchfile.h: files of a test, in a directory of its own that goes when the test program ends.
 */
#ifndef RL_SCRATCHFILE_H
#define RL_SCRATCHFILE_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_directory[64];
static pid_t scratch_owner;

/* Removes the directory with what is in it. Each test is a child that exits too: not there. */
static inline void scratch_remove(void)
{
    char path[512];
    if (getpid() != scratch_owner)
        return;
    DIR *const directory = opendir(scratch_directory);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", scratch_directory, entry->d_name);
        unlink(path);
    }
    if (directory)
        closedir(directory);
    rmdir(scratch_directory);
}

/* Call once in main, before the tests run. */
static inline void scratch_create(void)
{
    snprintf(scratch_directory, sizeof(scratch_directory), "/tmp/rl-unit-XXXXXX");
    if (!mkdtemp(scratch_directory)) {
        perror("mkdtemp");
        exit(1);
    }
    scratch_owner = getpid();
    atexit(scratch_remove);
}

/* The path of a file in the directory; valid until the fourth call after this one. */
static inline const char *scratch_path(const char *name)
{
    static _Thread_local char paths[4][160];
    static _Thread_local unsigned turn;
    char *const path = paths[turn++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch_directory, name);
    return path;
}

/* Writes a file and returns its path. */
static inline const char *scratch_write(const char *name, const void *data, size_t length)
{
    const char *const path = scratch_path(name);
    FILE *const file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static inline const char *scratch_text(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text));
}

#endif
