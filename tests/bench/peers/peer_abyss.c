/*
 * The same call in XML-RPC, by xmlrpc-c's Abyss with keep-alive. usage: peer_abyss PORT
 */
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

#include <stdio.h>
#include <stdlib.h>

static xmlrpc_value *twice(xmlrpc_env *env, xmlrpc_value *params, void *server, void *call)
{
    xmlrpc_int32 number;
    (void)server;
    (void)call;
    xmlrpc_decompose_value(env, params, "(i)", &number);
    return env->fault_occurred ? NULL : xmlrpc_build_value(env, "i", 2 * number);
}

static xmlrpc_registry *new_registry(xmlrpc_env *env)
{
    struct xmlrpc_method_info3 method = {.methodName = "double", .methodFunction = twice};
    xmlrpc_registry *registry = xmlrpc_registry_new(env);
    xmlrpc_registry_add_method3(env, registry, &method);
    return registry;
}

int main(int argc, char *argv[])
{
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    /* All but the port, the registry and keep-alive as xmlrpc-c has it: a connection may stay
     * for as many calls as it likes, and more than 15 may be open. */
    xmlrpc_server_abyss_parms parms = {.port_number = (unsigned)atoi(argc == 2 ? argv[1] : "0"),
                                       .registryP = new_registry(&env),
                                       .keepalive_timeout = 300,
                                       .keepalive_max_conn = 2000000000,
                                       .max_conn = 2000,
                                       .max_conn_backlog = 2000};
    xmlrpc_server_abyss(&env, &parms, XMLRPC_APSIZE(max_conn_backlog));
    fprintf(stderr, "peer_abyss: %s\n", env.fault_string);
    return 1;
}
