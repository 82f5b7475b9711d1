"""A real HTTP server that is a hub of data sets with a few single files in it."""

import threading
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def fake_hub(files: dict[str, bytes], refusal: int = 404, code: str | None = None):
    """Serve these files, by their path below the address that is given, for as long as the context lasts.

    Any other file is refused with this status, and this code of the hub's.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            content = files.get(self.path)
            self.send_response(refusal if content is None else 200)
            if content is None and code:
                self.send_header("X-Error-Code", code)
            self.send_header("ETag", f'"{zlib.crc32(content or b"")}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(files.get(self.path, b""))

        def log_message(self, *_) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
