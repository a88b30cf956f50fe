/*
 * Load for gRPC: the command line and the report of the other generators over gRPC's own
 * client, one channel (so, one HTTP/2 connection) for each connection. Closed loop only.
 */
#include "number.grpc.pb.h"

#include <grpcpp/grpcpp.h>

extern "C" {
#include "load/load.h"
#include "load/measure.h"
}

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace
{

enum { WARMING, MEASURING, DRAINING } phase;
load_options options;
histogram latencies;
uint64_t measured, in_flight;
uint32_t serial;
grpc::CompletionQueue queue;

/* A call that begins anew when it is answered. */
struct Call {
    bench::Bench::Stub *stub;
    std::unique_ptr<grpc::ClientContext> context;
    bench::Number number, result;
    grpc::Status status;
    uint64_t since_ns;

    void begin()
    {
        number.set_value(load_number(++serial));
        context = std::make_unique<grpc::ClientContext>();
        since_ns = now_ns();
        stub->AsyncTwice(context.get(), number, &queue)->Finish(&result, &status, this);
        in_flight++;
    }

    void end()
    {
        in_flight--;
        if (!status.ok() || result.value() != 2 * number.value())
            die("bad reply: %s", status.error_message().c_str());
        if (phase == MEASURING) {
            measured++;
            histogram_add(&latencies, now_ns() - since_ns);
        }
        if (phase != DRAINING)
            begin();
    }
};

/* Takes answers until the time has come, or no call is in flight. */
void run_until(uint64_t end_ns)
{
    void *tag;
    bool ok;
    while (in_flight > 0 && now_ns() < end_ns) {
        auto soon = std::chrono::system_clock::now() + std::chrono::milliseconds(100);
        if (queue.AsyncNext(&tag, &ok, soon) == grpc::CompletionQueue::GOT_EVENT)
            static_cast<Call *>(tag)->end();
    }
}

std::unique_ptr<bench::Bench::Stub> connect(const std::string &address)
{
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); /* no sharing of connections */
    return bench::Bench::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

void report(double seconds, uint64_t own_ns, uint64_t server_ns)
{
    double calls = measured > 0 ? static_cast<double>(measured) : 1;
    std::printf(
        "{\"protocol\": \"grpc\", \"connections\": %u, \"in_flight\": %u, "
        "\"calls\": %llu, \"seconds\": %.3f, \"calls_per_s\": %.0f, "
        "\"p50_us\": %.2f, \"p99_us\": %.2f, \"client_cpu_us\": %.4f, "
        "\"server_cpu_us\": %.4f, \"server_busy\": %.3f}\n",
        options.connections, options.in_flight, static_cast<unsigned long long>(measured),
        seconds, calls / seconds, histogram_us(&latencies, 0.5), histogram_us(&latencies, 0.99),
        static_cast<double>(own_ns) / 1e3 / calls, static_cast<double>(server_ns) / 1e3 / calls,
        static_cast<double>(server_ns) / 1e9 / seconds);
}

} // namespace

int main(int argc, char *argv[])
{
    load_parse(argc, argv, &options);
    if (options.pid == 0 || options.rate > 0 || options.echo_bytes + options.echo_structs > 0)
        die("with gRPC: a closed loop of double, and --pid");
    clockid_t server = process_clock(options.pid);
    std::vector<std::unique_ptr<bench::Bench::Stub>> stubs;
    std::vector<Call> calls(options.connections * options.in_flight);
    for (unsigned i = 0; i < options.connections; i++)
        stubs.push_back(connect(argv[argc - 1]));
    for (size_t i = 0; i < calls.size(); i++) {
        calls[i].stub = stubs[i % stubs.size()].get();
        calls[i].begin();
    }
    run_until(now_ns() + static_cast<uint64_t>(options.warm_up * 1e9));

    phase = MEASURING;
    uint64_t own = clock_ns(CLOCK_PROCESS_CPUTIME_ID), cpu = clock_ns(server), begin = now_ns();
    run_until(begin + static_cast<uint64_t>(options.seconds * 1e9));
    double seconds = static_cast<double>(now_ns() - begin) / 1e9;
    cpu = clock_ns(server) - cpu;
    own = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own;

    phase = DRAINING;
    run_until(UINT64_MAX);
    report(seconds, own, cpu);
    return 0;
}
