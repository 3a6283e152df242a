/*
 * test_student.c: Student's t distribution, against closed forms and tables.
 */
#include "core/stats/student.h"

#include <math.h>

#include "tests/lib/unittest.h"

static const double PI = 3.14159265358979323846;

static void check(const char *what, double degrees, double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-12 * fabs(want), "%s, %g degrees: got %.17g, want %.17g",
                  what, degrees, got, want);
}

/* One and two degrees: 1 - 2 atan(t) / pi, and 1 - t / sqrt(2 + t^2). */
START_TEST(closed_forms)
{
    for (double t = 0.001; t < 1e4; t *= 1.7) {
        check("p", 1, rl_student_two_sided(t, 1), 2 * atan(1 / t) / PI);
        const double root = sqrt(2 + t * t);
        check("p", 2, rl_student_two_sided(t, 2), 2 / (root * (root + t)));
        ck_assert_double_eq(rl_student_two_sided(-t, 2), rl_student_two_sided(t, 2));
    }
}
END_TEST

/* What |T| exceeds with probability 0.05, and the probability that it exceeds 2.5. */
START_TEST(tables)
{
    static const struct {
        double degrees, t, p;
    } rows[] = {
        {1, 12.706204736174701, 0.2422378831816867},
        {2, 4.302652729749463, 0.1296117202215108},
        {5, 2.570581835636315, 0.054490099342376204},
        {10, 2.228138851986275, 0.031446844236608776},
        {30, 2.042272456301238, 0.018115649068066706},
        {100, 1.983971518523552, 0.014045789124077166},
        {999, 1.9623414611334502, 0.012578727584509218},
        {100000, 1.9599877075346095, 0.012420919192559035},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check("t", rows[i].degrees, rl_student_quantile(0.05, rows[i].degrees), rows[i].t);
        check("p", rows[i].degrees, rl_student_two_sided(2.5, rows[i].degrees), rows[i].p);
    }
}
END_TEST

/* Both have their errors here, of which many degrees make more. */
START_TEST(quantiles_are_the_inverse)
{
    for (double degrees = 1; degrees < 1e6; degrees *= 3) {
        const double bound = degrees < 1e4 ? 1e-12 : 1e-10;
        for (double p = 0.999; p > 1e-6; p *= 0.4) {
            const double t = rl_student_quantile(p, degrees);
            ck_assert_double_eq_tol(rl_student_two_sided(t, degrees), p, bound * p);
        }
    }
}
END_TEST

START_TEST(edges)
{
    ck_assert_double_eq(rl_student_two_sided(0, 7), 1);
    ck_assert_double_eq(rl_student_two_sided(INFINITY, 7), 0);
    ck_assert_double_eq(rl_student_two_sided(1e200, 7), 0);
}
END_TEST
