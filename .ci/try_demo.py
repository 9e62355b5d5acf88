"""Starts `make demo` on a free port, asks its pages, stops it as an operator would, and says what went wrong."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
STOP_SECONDS = 10


def main() -> None:
    """The demo started, answered and stopped cleanly; otherwise the process ends with 1."""
    port = free_port()
    arguments = f"--port {port}"
    if len(sys.argv) > 1:
        arguments += f" {' '.join(sys.argv[1:])}"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("a") as written:
            make = subprocess.Popen(
                ["make", "--no-print-directory", "demo", f"ARGS={arguments}"], cwd=ROOT, stdout=written, stderr=written
            )
        try:
            check(make, port, log)
        except AssertionError as fault:
            sys.exit(f"demo: {fault}\n--- what it printed ---\n{log.read_text()[-8000:]}")
        finally:
            end_all(make.pid)


def check(make: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Every claim about the demo, in order."""
    address = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    while fetch(f"{address}/healthz")[0] != 200:
        assert make.poll() is None, f"it ended with {make.returncode} before it answered"
        assert time.monotonic() - began < START_SECONDS, f"no answer within {START_SECONDS} s"
        time.sleep(0.2)
    print(f"demo: answers after {time.monotonic() - began:.1f} s")
    assert fetch(f"{address}/readyz")[0] == 200, "it is not ready"
    while not (shown := printed(log)):
        assert make.poll() is None, f"it ended with {make.returncode} before it printed an address"
        assert time.monotonic() - began < START_SECONDS, f"no address printed within {START_SECONDS} s"
        time.sleep(0.2)
    pages = {each: fetch(each) for each in shown}
    wrong = {each: status for each, (status, _) in pages.items() if status != 200}
    assert not wrong, f"of the addresses that it printed, these do not open: {wrong}"
    titles = sorted(title[1] for _, text in pages.values() if (title := re.search("<title>([^<]+)</title>", text)))
    assert titles, "none of the addresses that it printed is a page"
    print(f"demo: is ready, and its pages open: {', '.join(titles)}")
    began = time.monotonic()
    service(make.pid).send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        make.wait(STOP_SECONDS)
    took = time.monotonic() - began
    assert make.returncode is not None, f"it still runs {STOP_SECONDS} s after SIGTERM"
    assert make.returncode == 0, f"it stopped with {make.returncode}"
    print(f"demo: stops cleanly in {took:.1f} s")


def printed(log: Path) -> list[str]:
    """The addresses on this machine that the demo told its user to open."""
    return sorted(set(re.findall(r"http://(?:127\.0\.0\.1|localhost):[0-9]+[\w/?=&%.-]*", log.read_text())))


def service(make_pid: int) -> psutil.Process:
    """The process that make waits for."""
    for child in psutil.Process(make_pid).children(recursive=True):
        if any("ambassade" in Path(word).name for word in child.cmdline()[:2]):
            return child
    raise AssertionError("make has no child that is ambassade")


def end_all(pid: int) -> None:
    """Nothing of what was started is left."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def fetch(address: str) -> tuple[int, str]:
    """Status and text; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
