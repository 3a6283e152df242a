/*
 * empty_handler: the floor of what libmicrohttpd allows. It reads a POST's body and throws it away,
 * and answers a constant of the size of a real reply; threads, polling and buffers are the
 * daemon's. Usage: empty_handler PORT THREADS
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char reply[] =
    "{\"loss\":1.025,\"name\":\"pairwise_hinge\",\"reduction\":\"sum_over_batch_size\","
    "\"temperature\":1,\"dtype\":\"float32\",\"totals\":{\"lists\":1,\"items\":5,\"valid_items\":5,"
    "\"pairs\":9,\"values\":5,\"loss_sum\":5.125,\"weight_sum\":5}}";

static struct MHD_Response *response;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    (void)context, (void)url, (void)method, (void)version, (void)upload;
    static int seen;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t set;
    int signal_number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    response = MHD_create_response_from_buffer(sizeof(reply) - 1, (void *)(uintptr_t)reply,
                                               MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    struct MHD_Daemon *const daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)strtoul(argv[2], NULL, 10),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "empty_handler: cannot listen on port %s\n", argv[1]);
        return 1;
    }
    sigwait(&set, &signal_number);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}
