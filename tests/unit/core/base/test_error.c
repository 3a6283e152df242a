/*
 * test_error.c: errors are filled, and their texts cut between characters.
 */
#include "core/rankloss.h"

#include <string.h>

#include "tests/lib/unittest.h"
