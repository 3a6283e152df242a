/*
 * series_terms.h: the polynomials of series.h. Made by tools/series-coefficients, not by hand.
 */
#ifndef RL_SERIES_TERMS_H
#define RL_SERIES_TERMS_H

enum { RL_SERIES_TERMS = 16 };

/* clang-format off */
/* log(1 + u) / u: relative error below 7.9e-14. */
static const double RL_SERIES_P[RL_SERIES_TERMS] = {
    0x1.ffffffffffd3bp-1,
    -0x1.ffffffff4ababp-2,
    0x1.555555178132ap-2,
    -0x1.ffffef3dbef4dp-3,
    0x1.9998664ef449fp-3,
    -0x1.5547ea4658bc6p-3,
    0x1.242ec42000991p-3,
    -0x1.fbf5142d74fbap-4,
    0x1.b7ccb49295c21p-4,
    -0x1.6e23942c82398p-4,
    0x1.15b871340d753p-4,
    -0x1.67151845c98a3p-5,
    0x1.6f3d385bc9507p-6,
    -0x1.0fca9e70c2bc8p-7,
    0x1.fdadde39c48cdp-10,
    -0x1.c23389fe55f2fp-13,
};

/* 1 / (1 + u): relative error below 1.1e-12. */
static const double RL_SERIES_Q[RL_SERIES_TERMS] = {
    0x1.fffffffffd852p-1,
    -0x1.fffffffb07ccep-1,
    0x1.fffffe5571a0ep-1,
    -0x1.ffffc700223f3p-1,
    0x1.fffbf6c397715p-1,
    -0x1.ffd349932432fp-1,
    0x1.feb68d3ffd7e1p-1,
    -0x1.f955ced823655p-1,
    0x1.e6c80abea6296p-1,
    -0x1.b8370f83b21f8p-1,
    0x1.626f5bab4ee50p-1,
    -0x1.dd27001169d8cp-2,
    0x1.f4f1afd31505fp-3,
    -0x1.78f2b1ed68885p-4,
    0x1.651bd0fbdc4b3p-6,
    -0x1.3d6e0f18c3d11p-9,
};

/* 1 / (1 + u)^2: relative error below 1.9e-11. */
static const double RL_SERIES_R[RL_SERIES_TERMS] = {
    0x1.ffffffffd714ap-1,
    -0x1.ffffffd8dcb03p+0,
    0x1.7ffff9b082b20p+1,
    -0x1.ffff2f17dbad6p+1,
    0x1.3ff8ce1a8c3bdp+2,
    -0x1.7fb21b0242681p+2,
    0x1.bdccb285d4e29p+2,
    -0x1.f4c4687be68a7p+2,
    0x1.0af46552f8bf5p+3,
    -0x1.04599e833f556p+3,
    0x1.b973304efe726p+2,
    -0x1.33002a0b50a95p+2,
    0x1.48876db0601dbp+1,
    -0x1.f37a499f54adap-1,
    0x1.db4f693db5de6p-3,
    -0x1.a6df49a4713a2p-6,
};
/* clang-format on */

#endif
