/*
 * json_floor: how fast jansson alone reads a body into its values, on one thread; what people pay
 * today before anything is computed. Prints megabytes a second.
 * Usage: json_floor FILE SECONDS
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static char *read_file(const char *path, size_t *ret_size)
{
    FILE *const file = fopen(path, "rb");
    char *data = NULL;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        const long size = ftell(file);
        rewind(file);
        data = size > 0 ? malloc((size_t)size) : NULL;
        if (data)
            *ret_size = fread(data, 1, (size_t)size, file);
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    size_t size = 0, rounds = 0;
    if (argc != 3)
        return 2;
    char *const data = read_file(argv[1], &size);
    if (!data)
        return 1;
    double limit = strtod(argv[2], NULL), start = seconds_now(), passed = 0;
    do {
        json_error_t error;
        json_t *const value = json_loadb(data, size, 0, &error);
        if (!value) {
            fprintf(stderr, "json_floor: %s\n", error.text);
            return 1;
        }
        json_decref(value);
        rounds++;
        passed = seconds_now() - start;
    } while (passed < limit);
    printf("%.3f\n", (double)rounds * (double)size / passed / 1e6);
    free(data);
    return 0;
}
