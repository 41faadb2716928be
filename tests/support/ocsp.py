"""A responder of an authority (OCSP) for tests: answers as `openssl ocsp` does, or badly."""

import http.server
import os
import subprocess
import tempfile
import threading


class Responder:
    """Answers from `folder`, as `rpx-cert lab` has written it, at `url`."""

    def __init__(self, folder=None):
        self.folder = folder
        self.broken = False
        self.asked = 0
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                responder.asked += 1
                answer = b"nonsense" if responder.broken else responder.answer(body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ocsp"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, question):
        with tempfile.TemporaryDirectory() as at:
            with open(os.path.join(at, "question"), "wb") as f:
                f.write(question)
            path = lambda name: os.path.join(self.folder, name)
            subprocess.run(["openssl", "ocsp", "-index", path("index.txt"), "-CA", path("ca.pem"), "-rsigner", path("ca.pem"),
                            "-rkey", path("ca.key"), "-reqin", "question", "-respout", "answer", "-ndays", "1"], cwd=at,
                           capture_output=True, timeout=30, check=True)
            with open(os.path.join(at, "answer"), "rb") as f:
                return f.read()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
