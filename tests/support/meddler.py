# SPDX-License-Identifier: Apache-2.0
"""A network that does not behave: stands between a node and its broker and delays, repeats or changes what passes.

It speaks TLS with the broker's own certificate, as a man in the middle who has stolen the key would.
"""

import http.client
import http.server
import ssl
import threading


class Meddler:
    """`meddle(method, path, body, send)` returns (status, headers, body); `send()` forwards the request once."""

    def __init__(self, broker, meddle):
        certificate, key = broker.folder / "server.pem", broker.folder / "server.key"
        trust = ssl.create_default_context(cafile=str(broker.ca))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}

                def send():
                    connection = http.client.HTTPSConnection("127.0.0.1", broker.port, context=trust, timeout=20)
                    connection.request(self.command, self.path, body=body, headers=headers)
                    answer = connection.getresponse()
                    content = answer.read()
                    connection.close()
                    return answer.status, answer.getheaders(), content

                status, answered, content = meddle(self.command, self.path, body, send)
                self.send_response(status)
                for name, value in answered:
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = _pass

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
