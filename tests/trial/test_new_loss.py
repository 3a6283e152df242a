"""CONTRIBUTING's recipes for a loss and for a kind of field, followed in a copy of the tree.

The loss is 1 - F(d) with Laplace's distribution F; neither it nor its derivative is a kind of field
that the tree has. No edit here is outside of a file that the recipes name. The copy is built, and
the tests that walk the catalogue and the kinds must pass, for the new ones too.
"""

import os
import re
import shutil
import subprocess
import unittest

from daemon import ROOT, scratch_directory

JOBS = os.environ.get("JOBS", str(os.cpu_count()))

LOSS = [  # file, the text before which to insert, what
    ("core/rankloss.h", "    RL_LIST_MLE,\n", "    RL_PAIRWISE_LAPLACE,\n"),
    ("core/catalogue.c", "    [RL_LIST_MLE] =\n", """\
    [RL_PAIRWISE_LAPLACE] =
        {
            .id = RL_PAIRWISE_LAPLACE,
            .kind = RL_LOSS,
            .name = "pairwise_laplace",
            .formula = "loss_i = sum over j with y_i > y_j of 1 - F((s_i - s_j) / T)",
            .summary = "F is Laplace's distribution.",
            .takes = RL_TAKES_TEMPERATURE,
            .has_pairs = true,
        },
"""),
    ("core/reference.c", "    case RL_PAIRWISE_MEAN_SQUARED_ERROR:\n        error =", """\
    case RL_PAIRWISE_LAPLACE:
        return d >= 0 ? expl(-d) / 2 : 1 - expl(d) / 2;
"""),
    ("core/reference.c", "    case RL_PAIRWISE_MEAN_SQUARED_ERROR:\n        return -2", """\
    case RL_PAIRWISE_LAPLACE:
        return -expl(-fabsl(d)) / 2 / temperature;
"""),
    ("core/strategy.c", "    [RL_LIST_MLE] =\n", """\
    [RL_PAIRWISE_LAPLACE] =
        {
            .method = RL_METHOD_FIELD,
            .loss = RL_FIELD_LAPLACE,
            .slope = RL_FIELD_DECAY,
            .item_cost = 8,
            .pair_cost = 0.2,
            .sweep_cost = 7,
        },
"""),
]

KIND = [
    ("core/fields/fieldkind.h", "    RL_FIELD_KINDS\n", """\
    RL_FIELD_LAPLACE, /* e^-d / 2 for d >= 0, else 1 - e^d / 2 */
    RL_FIELD_DECAY,   /* e^-|d| / 2: its derivative, negated */
"""),
    ("core/fields/fieldkind.h", "    case RL_FIELD_NONE:\n", """\
    case RL_FIELD_LAPLACE:
        u = rl_exp(d < 0 ? d : -d);
        return d < 0 ? 1 - u / 2 : u / 2;
    case RL_FIELD_DECAY:
        return rl_exp(d < 0 ? d : -d) / 2;
"""),
    ("core/fields/tile_kernels.c", "rl_tile_fn *const RL_OF_ISA(rl_tile)[", """\
static ALWAYS_INLINE vec laplace(vec power, vec inverse, vec mass)
{
    const vec u = vec_lesser(power, inverse);
    return mass * (0.5 * u + vec_keep(power < 1, 1 - u));
}

static ALWAYS_INLINE vec laplace_pair(const struct rl_tile *tile, const struct targets *targets,
                                      int v, size_t j)
{
    return laplace(targets->rise.v[v] * tile->fall[j], targets->fall.v[v] * tile->rise[j],
                   vec_all(tile->masses[j]));
}

static ALWAYS_INLINE vec laplace_row(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return laplace(row->target.rise.v[0] * vec_load(tile->fall + j),
                   row->target.fall.v[0] * vec_load(tile->rise + j), vec_load(tile->masses + j));
}

static ALWAYS_INLINE vec decay_pair(const struct rl_tile *tile, const struct targets *targets,
                                    int v, size_t j)
{
    return vec_all(0.5 * tile->masses[j]) * soft_power(tile, targets, v, j);
}

static ALWAYS_INLINE vec decay_row(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return 0.5 * vec_load(tile->masses + j) * soft_row_power(tile, row, j);
}

static void laplace_tile(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, sum_chunk, laplace_pair, sum_row, laplace_row);
}

static void decay_tile(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, sum_chunk, decay_pair, sum_row, decay_row);
}

"""),
    ("core/fields/tile_kernels.c", "    [RL_FIELD_HINGE] = hinge,",
     "    [RL_FIELD_LAPLACE] = laplace_tile, [RL_FIELD_DECAY] = decay_tile,\n"),
    ("core/fields/series.c", "struct rl_series_field rl_series_field(", """\
static const double half[RL_SERIES_TERMS] = {0.5};

"""),
    ("core/fields/series.c", "        [RL_FIELD_SOFTPLUS] = RL_SERIES_P,\n",
     "        [RL_FIELD_LAPLACE] = half,\n        [RL_FIELD_DECAY] = half,\n"),
    ("core/fields/series.c", "kind == RL_FIELD_SIGMOID ? -1", "kind == RL_FIELD_LAPLACE || "),
    ("core/fields/series_kernels.c", "    if (sweep->field->kind == RL_FIELD_SIGMOID)\n", """\
    if (sweep->field->kind == RL_FIELD_LAPLACE)
        return rl_total_value(&sweep->ramp.mass);
"""),
    ("tests/unit/fieldvalue.h", "    case RL_FIELD_SIGMOID:\n", """\
    case RL_FIELD_LAPLACE:
        return d < 0 ? 1 - u / 2 : u / 2;
    case RL_FIELD_DECAY:
        return u / 2;
"""),
    ("tests/unit/core/fields/test_series.c", "[RL_FIELD_SOFTPLUS] = 2e-13L",
     "[RL_FIELD_LAPLACE] = 2e-13L, [RL_FIELD_DECAY] = 2e-13L, "),
]
# Tables whose rows have no names: one more at the end for each kind.
APPENDED = [
    ("tests/unit/fieldvalue.h", r'"bump"\}', '"bump", "laplace", "decay"}'),
    ("tests/unit/core/fields/test_field.c", r"2\.5e-11L\};", "2.5e-11L, 1e-12L, 1e-12L};"),
]
PROGRAMS = ["unit/core/test_strategy", "unit/core/test_reference", "unit/core/fields/test_tile",
            "unit/core/fields/test_series", "unit/core/fields/test_field",
            "property/property_losses", "property/property_gradients"]


def copy_of_tree(case):
    """A folder with what git tracks, and new files that it does not ignore."""
    folder = scratch_directory(case)
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, name), os.path.join(folder, name))
    return folder


class NewLoss(unittest.TestCase):
    def setUp(self):
        self.folder = copy_of_tree(self)

    def change(self, name, edit):
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        changed = edit(text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)

    def insert(self, name, before, what):
        def edit(text):
            self.assertEqual(text.count(before), 1, f"{name} has no one place before {before!r}")
            return text.replace(before, what + before)
        self.change(name, edit)

    def append(self, name, end, longer):
        def edit(text):
            changed, count = re.subn(end, longer, text)
            self.assertEqual(count, 1, f"{name} has no one table that ends in {end!r}")
            return changed
        self.change(name, edit)

    def test_the_recipes_name_every_file(self):
        with open(os.path.join(ROOT, "CONTRIBUTING.md"), encoding="utf-8") as file:
            recipe = file.read().split("## Add a loss", 1)[1].split("\n## ", 1)[0]
        for name, *_ in LOSS + KIND + APPENDED:
            self.assertIn(os.path.basename(name), recipe)

    def test_a_loss_of_a_new_kind(self):
        for row in LOSS + KIND:
            self.insert(*row)
        for row in APPENDED:
            self.append(*row)
        build = os.path.join(self.folder, "build")
        programs = [f"{build}/tests/{name}" for name in PROGRAMS]
        made = subprocess.run(["make", "--no-print-directory", f"-j{JOBS}", f"BUILD={build}", *programs],
                              cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr[-4000:])
        done = subprocess.run(["tools/run-programs", *programs], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])


if __name__ == "__main__":
    unittest.main()
