/*
 * The same call in Sun RPC, by libtirpc: the server that rpcgen's users write, on a port of its
 * own and not registered with rpcbind. usage: peer_sunrpc PORT
 */
#include "sunrpc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

void bench_program_1(struct svc_req *request, SVCXPRT *transport); /* rpcgen's dispatcher */

quad_t *twice_1_svc(quad_t *number, struct svc_req *request)
{
    static quad_t result;
    (void)request;
    result = 2 * *number;
    return &result;
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, SOMAXCONN) < 0)
        return -1;
    return fd;
}

int main(int argc, char *argv[])
{
    int fd = argc == 2 ? listen_on(argv[1]) : -1;
    SVCXPRT *transport = fd >= 0 ? svc_vc_create(fd, 0, 0) : NULL;
    if (transport == NULL ||
        !svc_reg(transport, BENCH_PROGRAM, BENCH_VERSION, bench_program_1, NULL)) {
        fprintf(stderr, "usage: peer_sunrpc PORT; or the port is taken\n");
        return 1;
    }
    svc_run();
    return 1;
}
