/*
 * The same call in gRPC C++, with its callback server: of its modes the one that its authors
 * recommend. usage: peer_grpc PORT
 */
#include "number.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <iostream>
#include <string>

class Service final : public bench::Bench::CallbackService
{
    grpc::ServerUnaryReactor *Twice(grpc::CallbackServerContext *context,
                                    const bench::Number *number, bench::Number *result) override
    {
        result->set_value(2 * number->value());
        grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

int main(int argc, char *argv[])
{
    Service service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(std::string("127.0.0.1:") + (argc == 2 ? argv[1] : "0"),
                             grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server) {
        std::cerr << "peer_grpc: cannot listen\n";
        return 1;
    }
    server->Wait();
}
