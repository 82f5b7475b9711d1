"""Servers in processes of their own: started, waited for, and ended."""

import sys
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from cce.errors import EndpointFailed
from cce.models import engines

# Healthy, and deaf to the signal that should end it, as vLLM is while it loads; its child lives as long as it may.
DEAF = """
import signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
signal.signal(signal.SIGTERM, signal.SIG_IGN)

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
HTTPServer(("127.0.0.1", int(sys.argv[-1])), Healthy).serve_forever()
"""


def test_a_server_that_heeds_no_signal_is_ended_with_what_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "STOP_SECONDS", 0.5)
    process, url = engines.started([sys.executable, "-c", DEAF], tmp_path)
    urlopen(url.replace("/v1", "/health")).close()
    (child,) = psutil.Process(process.pid).children()
    engines.stop(process)
    with pytest.raises(URLError):
        urlopen(url)
    assert not psutil.wait_procs([child], timeout=5)[1]


def test_a_server_that_does_not_start_shows_what_it_wrote(tmp_path):
    with pytest.raises(EndpointFailed, match=r"(?s)did not start.*serving\.log.*no such model"):
        engines.started([sys.executable, "-c", "raise SystemExit('no such model')"], tmp_path)
