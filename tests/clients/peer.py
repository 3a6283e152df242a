"""A scripted HTTP server, for what a daemon rarely does: refuse, hang up, send a proxy's page."""

import http.server
import json
import threading


class Peer:
    """Answers each request with the next of `answers`, and with the last one from then on.

    An answer is (status, headers, body), or None to close the connection without a reply. What was
    received is in `seen`: (method, path, headers, body).
    """

    def __init__(self, *answers):
        self.answers, self.seen = list(answers), []
        peer, lock = self, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    answer = peer.answers[min(len(peer.seen), len(peer.answers) - 1)]
                    peer.seen.append((self.command, self.path, dict(self.headers), body))
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, data = answer
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
