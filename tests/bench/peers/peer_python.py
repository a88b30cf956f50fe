#!/usr/bin/python3
"""The same call in XML-RPC, by Python's own server, with keep-alive. usage: peer_python.py PORT

As it comes it speaks HTTP/1.0, answers one connection at a time and sends head and body in two
packets, for which a client waits 40 ms. All three are mended here, as its users do."""

import socketserver
import sys
import xmlrpc.server


class Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
    daemon_threads = True
    request_queue_size = 1024


server = Server(("127.0.0.1", int(sys.argv[1])), requestHandler=Handler)
server.register_function(lambda number: 2 * number, "double")
server.serve_forever()
