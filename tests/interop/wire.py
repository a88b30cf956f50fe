"""What the wire tests share: requests as bytes, and everything that comes back for them."""
import re
import socket
import xmlrpc.client

import msgpack
from duet_server import REQUEST, DuetTest, read_to_end

CALL = xmlrpc.client.dumps((7,), "double").encode()
ANSWER = b"<int>14</int>"
PACKED = msgpack.packb([REQUEST, 1, "double", [7]])


def request(*headers, version="1.1", body=CALL, target="/RPC2", verb="POST", length=True):
    lines = [f"{verb} {target} HTTP/{version}", "Host: localhost", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class WireTest(DuetTest):
    def exchange(self, data, i=0):
        """Everything that comes back for these bytes and the end of the stream."""
        with self.server.connect(i) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server has seen enough
            return read_to_end(sock)

    def check_status(self, status, data):
        answer = self.exchange(data)
        self.assertEqual(re.findall(rb"^HTTP/1\.[01] (\d+) ", answer), [b"%d" % status], data[:300])
        return answer

    def replies(self, data):
        unpacker = msgpack.Unpacker(strict_map_key=False)
        unpacker.feed(self.exchange(data))
        return list(unpacker)
