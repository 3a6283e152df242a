/*
 * endpoint.h: the methods and handlers that routing, metrics and the log distinguish.
 */
#ifndef RL_ENDPOINT_H
#define RL_ENDPOINT_H

#define RL_METHOD_MAP(X)                                                                           \
    X(GET, "GET")                                                                                  \
    X(HEAD, "HEAD")                                                                                \
    X(POST, "POST")                                                                                \
    X(OPTIONS, "OPTIONS")                                                                          \
    X(OTHER, "other")

#define RL_HANDLER_MAP(X)                                                                          \
    X(LOSS, "/v1/losses/{loss}")                                                                   \
    X(METRIC, "/v1/metrics/{metric}")                                                              \
    X(EVALUATE, "/v1/evaluate")                                                                    \
    X(COMPARE, "/v1/compare")                                                                      \
    X(LOSSES, "/v1/losses")                                                                        \
    X(METRICS_CATALOGUE, "/v1/metrics")                                                            \
    X(INFERENCE, "/v2")                                                                            \
    X(INFERENCE_LIVE, "/v2/health/live")                                                           \
    X(INFERENCE_READY, "/v2/health/ready")                                                         \
    X(MODEL, "/v2/models/{measure}")                                                               \
    X(MODEL_READY, "/v2/models/{measure}/ready")                                                   \
    X(INFER, "/v2/models/{measure}/infer")                                                         \
    X(LIVEZ, "/livez")                                                                             \
    X(READYZ, "/readyz")                                                                           \
    X(HEALTHZ, "/healthz")                                                                         \
    X(METRICS, "/metrics")                                                                         \
    X(OPENAPI, "/openapi.json")                                                                    \
    X(PAGE, "/")                                                                                   \
    X(OTHER, "other")

enum rl_method {
#define RL_METHOD_ENUM(name, text) RL_METHOD_##name,
    RL_METHOD_MAP(RL_METHOD_ENUM)
#undef RL_METHOD_ENUM
        RL_METHODS
};

enum rl_handler {
#define RL_HANDLER_ENUM(name, text) RL_HANDLER_##name,
    RL_HANDLER_MAP(RL_HANDLER_ENUM)
#undef RL_HANDLER_ENUM
        RL_HANDLERS
};

/* "GET" -> RL_METHOD_GET; anything unknown -> RL_METHOD_OTHER. Case matters, as in HTTP. */
enum rl_method rl_method_find(const char *name);
const char *rl_method_name(enum rl_method method);
const char *rl_handler_name(enum rl_handler handler);

#endif
