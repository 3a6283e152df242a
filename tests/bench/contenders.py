"""The contenders of `make bench`: each a server on a free port of the loopback address."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = os.environ.get("RANKLOSSD", str(ROOT / "build/ranklossd"))
HELPERS = pathlib.Path(os.environ.get("BENCH_HELPERS", ROOT / "build/tests/bench/peers"))
CORES = len(os.sched_getaffinity(0))

NGINX = """
worker_processes {cores};
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    client_max_body_size 64m;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            default_type application/json;
            return 200 '{{"loss":1.025,"totals":{{"lists":1,"items":5}}}}';
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Contender:
    """A running server; `command` gets the port, `folder` is its own and goes with it."""

    def __init__(self, name, command, environment=None, cwd=None):
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            command(self.port, self.folder.name), cwd=cwd, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})},
            start_new_session=True)
        self.wait_ready()

    def wait_ready(self):
        for _ in range(3000):
            try:
                urllib.request.urlopen(self.url + "/livez", timeout=2).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(f"bench: {self.name} ended with {self.process.returncode}")
                time.sleep(0.02)
        self.stop()
        raise SystemExit(f"bench: {self.name} was not ready within a minute")

    def stop(self):
        # The whole session: uvicorn's workers are processes of their own.
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(15)
                break
            except subprocess.TimeoutExpired:
                continue
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def ranklossd(*flags, name="ranklossd"):
    """Without its access log, as its peers here are; a flag given later wins."""
    return Contender(name, lambda port, _: [BINARY, "--listen", f"127.0.0.1:{port}",
                                            "--access-log", "none", *flags])


def empty_handler():
    # The daemon's own choice of I/O threads, for the same footing.
    return Contender("empty libmicrohttpd handler",
                     lambda port, _: [str(HELPERS / "empty_handler"), str(port), str(CORES)])


def nginx():
    def command(port, folder):
        path = pathlib.Path(folder, "nginx.conf")
        path.write_text(NGINX.format(cores=CORES, folder=folder, port=port))
        return ["/usr/sbin/nginx", "-c", str(path)]
    return Contender("nginx, a constant", command)


def service(backend):
    return Contender(
        f"FastAPI + {backend}",
        lambda port, _: ["/usr/bin/python3", "-m", "uvicorn", "--host", "127.0.0.1", "--port",
                         str(port), "--workers", str(CORES), "--loop", "uvloop", "--http",
                         "httptools", "--no-access-log", "--log-level", "error", "service:app"],
        {"BACKEND": backend, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd=HERE / "peers")
