"""tools/check-tree finds what it looks for, and nothing else."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SOURCE = """\
/* a.c: breaches of the dialect, each on a line that says so. */
#define lower 1
int f(struct list *list, const char *text)
{
    const size_t size = sizeof *list; /* sizeof */
    size_t n = 3;                     /* const */
    char *end = list->end;            /* const */
    const char *at = text;
    struct pair pair = {0};
    struct pair other = {0}; /* const */
    int a = 1, b = 2;
    if (text == NULL || list->next != NULL) /* pointer */
        return 0;
    while (n2 > 0 && list->head != NULL) /* pointer */
        at++;
    if ((list = next(list)) != NULL)
        pair.x = n;
    b = list != NULL;
    return text ? b : f(list, text == NULL);
}
"""


class Dialect(unittest.TestCase):
    def test_every_breach(self):
        with tempfile.TemporaryDirectory(prefix="ranklossd-tree-") as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            with open(f"{folder}/a.c", "w", encoding="utf-8") as file:
                file.write(SOURCE)
            done = subprocess.run([f"{ROOT}/tools/check-tree", "dialect"], cwd=folder,
                                  capture_output=True, text=True, check=False)
        found = sorted(line.split(": ", 1) for line in done.stdout.splitlines())
        marks = {"sizeof": "sizeof(x)", "const": "const", "pointer": "by itself"}
        wanted = [(number, marks[line.split("/* ")[1].split(" */")[0]])
                  for number, line in enumerate(SOURCE.splitlines(), 1)
                  if number > 1 and "/* " in line] + [(2, "lower case")]
        self.assertEqual(sorted(place for place, _ in found),
                         sorted(f"a.c:{number}" for number, _ in wanted))
        for place, text in found:
            self.assertTrue(any(place == f"a.c:{number}" and word in text for number, word in wanted),
                            (place, text))
        self.assertEqual(done.returncode, 1)

ROWS = {
    "core/strategy.c": """\
    [RL_ONE] =
        {
            .method = RL_METHOD_FIELD,
        },
    [RL_TWO] =
        {
            RL_METHOD_FIELD,
        },
""",
    "config/settings.h": """\
    X(TEXT, listen, .name = "listen", .text = "") \\
    X(TEXT, other, "other", .text = "") \\
""",
}


class Rows(unittest.TestCase):
    def test_members_are_designated(self):
        with tempfile.TemporaryDirectory(prefix="ranklossd-tree-") as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            for name, text in ROWS.items():
                os.makedirs(os.path.dirname(f"{folder}/{name}"))
                with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run([f"{ROOT}/tools/check-tree", "rows"], cwd=folder,
                                  capture_output=True, text=True, check=False)
        self.assertEqual([line.split(": ")[0] for line in done.stdout.splitlines()],
                         ["core/strategy.c:5", "config/settings.h:2"])
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
