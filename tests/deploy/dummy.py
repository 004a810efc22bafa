"""A process that does nothing but answer, in the place of a service: `python -m tests.deploy.dummy PART`.

It keeps the environment it was given in its state folder, so that a test can look at it.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Answer(BaseHTTPRequestHandler):
    """200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    part = sys.argv[1]
    Path(os.environ["PAIDAN_STATE_DIR"], f"{part}.json").write_text(json.dumps(dict(os.environ)))
    port = os.environ["PAIDAN_HTTP_PORT" if part == "api" else "PAIDAN_METRICS_PORT"]
    ThreadingHTTPServer(("127.0.0.1", int(port)), Answer).serve_forever()
