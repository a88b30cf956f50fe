/*
 * A chat: clients that stay, are told of what others say, and are asked back. Over
 * MessagePack-RPC:
 *
 *     chat.join("ann")           now this connection is Ann's
 *     chat.say("hello")          all others get the notification chat.said("ann", "hello")
 *     chat.who()                 ["ann", "bob"]
 *     chat.invite("bob", "tea")  asks Bob's client: chat.accept("ann", "tea"), and answers what
 * it says
 *
 * A client that does not read what others say loses the oldest of it.
 */
#include <duet.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Who is there: a session's data is its name ---- */

static int on_open(duet_session *session, void *ctx)
{
    (void)ctx;
    duet_session_set_slow_reader(session, DUET_SLOW_READER_DROP_OLDEST);
    duet_session_set_idle_timeout(session, DUET_NO_TIMEOUT); /* some only listen */
    return 0;
}

static const char *name_of(const duet_session *session)
{
    return duet_session_data(session);
}

static int join(duet_call *call, void *ctx)
{
    (void)ctx;
    char *name = strdup(duet_arg_string(call, 0, NULL));
    if (name == NULL)
        return -ENOMEM;
    if (duet_session_set_data(duet_call_session(call), name, free) == 0)
        return 0;
    free(name);
    return duet_fail(call, 1, "you are %s already", name_of(duet_call_session(call)));
}

/* ---- What they say ---- */

static bool is_other(duet_session *session, void *ctx)
{
    return name_of(session) != NULL && session != ctx;
}

static int say(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_session *session = duet_call_session(call);
    const char *name = name_of(session);
    if (name == NULL)
        return duet_fail(call, 2, "join first");
    duet_broadcast *said = duet_broadcast_new(duet_call_server(call), "chat.said", 2);
    duet_write_text(duet_broadcast_writer(said), name);
    duet_write_value(duet_broadcast_writer(said), duet_arg(call, 0));
    int heard = duet_broadcast_send(said, is_other, session);
    duet_broadcast_free(said);
    return heard < 0 ? heard : duet_reply_int(call, heard);
}

/* ---- Who they are ---- */

struct names {
    size_t count, room;
    duet_session **sessions; /* a reference to each */
};

static int collect(duet_session *session, void *ctx)
{
    struct names *names = ctx;
    if (name_of(session) == NULL)
        return 0;
    if (names->count == names->room) {
        size_t room = names->room ? 2 * names->room : 16;
        duet_session **sessions = realloc(names->sessions, room * sizeof(duet_session *));
        if (sessions == NULL)
            return -ENOMEM;
        names->sessions = sessions;
        names->room = room;
    }
    names->sessions[names->count++] = duet_session_ref(session);
    return 0;
}

static void let_go(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        duet_session_unref(names->sessions[i]);
    free(names->sessions);
}

static int who(duet_call *call, void *ctx)
{
    (void)ctx;
    struct names names = {0};
    int rc = duet_server_each_session(duet_call_server(call), collect, &names);
    duet_writer *writer = duet_call_writer(call);
    if (rc == 0)
        rc = duet_write_array(writer, names.count);
    for (size_t i = 0; i < names.count && rc == 0; i++)
        rc = duet_write_text(writer, name_of(names.sessions[i]));
    let_go(&names);
    return rc;
}

/* ---- Asking one of them ---- */

/* Waits for the answer, on a worker: as long as the client likes, within --request-timeout. It
 * may call us back meanwhile. */
static int ask(duet_call *call, duet_session *guest)
{
    duet_request *request = duet_session_request(guest, "chat.accept", 2);
    duet_write_text(duet_request_writer(request), name_of(duet_call_session(call)));
    duet_write_value(duet_request_writer(request), duet_arg(call, 1));
    int rc = duet_request_wait(request);
    rc = rc == 0 ? duet_reply_value(call, duet_request_result(request))
                 : duet_fail_request(call, request);
    duet_request_free(request);
    return rc;
}

static int invite(duet_call *call, void *ctx)
{
    (void)ctx;
    const char *wanted = duet_arg_string(call, 0, NULL);
    if (name_of(duet_call_session(call)) == NULL)
        return duet_fail(call, 2, "join first");
    struct names names = {0};
    int rc = duet_server_each_session(duet_call_server(call), collect, &names);
    duet_session *guest = NULL;
    for (size_t i = 0; i < names.count && guest == NULL; i++)
        if (strcmp(name_of(names.sessions[i]), wanted) == 0)
            guest = names.sessions[i];
    if (rc == 0)
        rc = guest != NULL ? ask(call, guest) : duet_fail(call, 3, "no %s is here", wanted);
    let_go(&names);
    return rc;
}

static const duet_method methods[] = {
    {.name = "chat.join",
     .signature = "n:s",
     .handler = join,
     .flags = DUET_METHOD_INLINE,
     .help = "Gives the caller's connection a name."},
    {.name = "chat.say",
     .signature = "i:s",
     .handler = say,
     .help = "Tells all others; answers how many they are."},
    {.name = "chat.who", .signature = "a:", .handler = who, .help = "The names of all."},
    {.name = "chat.invite",
     .signature = "v:ss",
     .handler = invite,
     .help = "Asks somebody, and answers what their client says."},
    {0},
};

static int serve(duet_server *server)
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    for (size_t i = 0; duet_server_address(server, i) != NULL; i++)
        printf("listening on %s\n", duet_server_address(server, i));
    fflush(stdout);
    return duet_server_run(server);
}

int main(int argc, char *argv[])
{
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, NULL);
    duet_server_add_hooks(server, &(duet_hooks){.session_open = on_open}, NULL);
    duet_server_stop_on_signals(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        rc = serve(server);
    } else if (rc > 0) { /* --help and its like */
        fputs(duet_server_args_text(server), stdout);
        rc = 0;
    }
    if (rc < 0)
        fprintf(stderr, "chat_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0;
}
