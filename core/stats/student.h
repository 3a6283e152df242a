/*
 * student.h: Student's t distribution.
 *
 * P(|T| > t) with n degrees of freedom is the regularised incomplete beta function
 * I_x(n / 2, 1 / 2) at x = n / (n + t^2) (DLMF 8.17, https://dlmf.nist.gov/8.17), computed by its
 * continued fraction (8.17.22) with the modified Lentz method. Elementary functions are our own, so
 * that results have the same bits on every CPU. Relative error below 1e-12 for up to 10^4 degrees,
 * and below 1e-10 for up to 10^6, where n / (n + t^2) is so near 1 that digits of the rest are
 * lost.
 */
#ifndef RL_STUDENT_H
#define RL_STUDENT_H

/* P(|T| > |t|) with `degrees` >= 1 of freedom: 1 at 0, 0 at infinity. */
double rl_student_two_sided(double t, double degrees);

/* The t > 0 that |T| exceeds with probability `p`, 0 < p < 1. */
double rl_student_quantile(double p, double degrees);

#endif
