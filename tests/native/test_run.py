"""`make run`: its output, its errors, and what it leaves behind."""

import contextlib
import http.client
import os
import pty
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from deploy.local import Process, ports
from deploy.local.stack import ROOT


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of all processes that belong to the stack in a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has exited, or belongs to another user
    return found


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_processes_are_printed_and_a_signal_stops_all(start_run, number):
    run = start_run()
    ready = run.wait_for("ready: ")
    assert f"ready: http://127.0.0.1:{run.port}/" in ready
    description = run.description()
    assert description["url"] == f"http://127.0.0.1:{run.port}"
    assert [process["name"] for process in description["processes"]] == ["redis", "web", "ws-1", "ws-2", "nginx"]
    for process in description["processes"]:
        assert any(
            process["name"] in line and process["url"] in line and str(process["pid"]) in line for line in run.lines
        )
        assert "//127.0.0.1:" in process["url"]
        assert Path(process["log"]).exists()
    assert "<main" in get(description["url"])
    assert processes_of(run.directory)

    assert run.end(number) == 0
    assert processes_of(run.directory) == []
    assert not (run.directory / "stack.json").exists()


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_readiness_checks_ignore_proxy_variables(start_run, name):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        run = start_run(**{name: address, "no_proxy": "", "NO_PROXY": ""})
        run.wait_for("ready: ")
        with pytest.raises(BlockingIOError):
            proxy.accept()
        assert run.end(signal.SIGINT) == 0


def test_stack_becomes_ready_with_proxy_protocol(start_run):
    run = start_run(PROXY_PROTOCOL="true", TRUSTED_PROXIES="127.0.0.1")
    run.wait_for("ready: ")
    with socket.create_connection(("127.0.0.1", run.port), 20) as line:
        line.sendall(
            b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\nGET /robots.txt HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
        )
        assert line.recv(64).startswith(b"HTTP/1.1 200 ")
    assert run.end(signal.SIGINT) == 0
    assert '"client":"203.0.113.7"' in (run.directory / "log/nginx.log").read_text()


def test_closing_the_terminal_stops_all_without_a_signal(start_run):
    terminal, stdin = pty.openpty()
    run = start_run(stdin=stdin, WS_PROCESSES="1")
    os.close(stdin)
    run.wait_for("ready: ")
    os.close(terminal)
    run.process.communicate(timeout=10)
    assert run.process.returncode == 0
    assert processes_of(run.directory) == []


def test_ctrl_c_during_startup_leaves_no_process(start_run):
    run = start_run(WS_PROCESSES="1")
    run.wait_for("starting")
    assert run.end(signal.SIGINT) == 0
    assert processes_of(run.directory) == []


def test_exited_process_is_restarted_and_its_log_is_shown(start_run):
    run = start_run(WS_PROCESSES="1")
    run.wait_for("ready: ")
    os.kill(
        next(process["pid"] for process in run.description()["processes"] if process["name"] == "ws-1"), signal.SIGKILL
    )
    assert "code -9" in run.wait_for("ws-1 exited")
    assert "Listening on TCP address" in run.wait_for("Listening")
    started = run.wait_for("ws-1 started again")
    pid = next(process["pid"] for process in run.description()["processes"] if process["name"] == "ws-1")
    assert f"pid {pid}" in started


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("WS_PROCESSES", "two", "Not a valid integer"),
        ("WEB_WORKERS", "many", "expected a whole number of processes from 1 to 64"),
        ("DRAIN_SECONDS", "10s", "expected a number of seconds from 0 to 3600"),
        ("TRUSTED_PROXIES", "loadbalancer", "expected addresses or CIDR blocks"),
        ("REDIS_URL", "redis://:a/b@127.0.0.1/0", "expected redis://"),
        ("DATABASE_URL", "postgres://u:a/b@127.0.0.1/app", "expected sqlite:///path or postgres://"),
    ],
)
def test_invalid_setting_is_a_one_line_error_before_any_process_starts(start_run, name, value, expected):
    run = start_run(**{name: value})
    output, _ = run.process.communicate(timeout=60)
    assert run.process.returncode == 1
    *before, last = output.strip().splitlines()
    assert name in last
    assert expected in last
    # nginx's settings are checked last, after the directory was printed.
    assert before in ([], [f"starting in {run.directory}"])
    assert not (run.directory / "log").exists()


def test_unreadable_env_file_is_a_one_line_error(start_run, copied_repository):
    (copied_repository / ".env").write_bytes("ALLOWED_HOSTS=café".encode("latin-1"))
    run = start_run(root=copied_repository)
    output, _ = run.process.communicate(timeout=60)
    program = [sys.executable, "manage.py", "check"]
    service = subprocess.run(program, cwd=copied_repository, capture_output=True, text=True, check=False)
    for code, written in ((run.process.returncode, output), (service.returncode, service.stderr)):
        assert code == 1
        assert written.startswith("Invalid configuration: .env cannot be read: ")
        assert len(written.splitlines()) == 1


def test_environment_wins_over_name_file_in_env_file(start_run, copied_repository, tmp_path):
    own, other = (f"sqlite:///{tmp_path}/{name}.sqlite3" for name in ("own", "other"))
    (tmp_path / "url").write_text(other)
    (copied_repository / ".env").write_text(f"DATABASE_URL_FILE={tmp_path}/url\n")
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=copied_repository, env=os.environ | {"DATABASE_URL": own}, check=True)
    run = start_run(root=copied_repository, DATABASE_URL=own, WS_PROCESSES="1")
    run.wait_for("ready: ")
    assert (tmp_path / "own.sqlite3").exists()
    assert not (tmp_path / "other.sqlite3").exists()


def test_directory_that_cannot_be_created_is_a_one_line_error(tmp_path):
    file = tmp_path / "file"
    file.touch()
    program = [sys.executable, "-m", "deploy.local", "--directory", str(file / "stack")]
    environment = os.environ | {"PORT": str(ports.pick())}
    result = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert str(file) in line


def test_env_file_applies_to_every_process(start_run, copied_repository, redis_address, tmp_path):
    database = tmp_path / "own.sqlite3"
    lines = {
        "ALLOWED_HOSTS": "app.example.com",
        "TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
        "DATABASE_URL": f"sqlite:///{database}",
        "REDIS_URL": redis_address.replace("//", "//default:hunter2@"),
        "SECRET_KEY": "0123456789" * 5,
        "DRAIN_SECONDS": "0.5",
        "WS_PROCESSES": "1",
        "BIND": "127.0.0.1:1",
        "ALLOWED_HOST": "misspelt.example.com",
    }
    (copied_repository / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    shutil.copy(ROOT / ".env.example", copied_repository)
    run = start_run(root=copied_repository)
    ready = run.wait_for("ready: ")
    assert f"ready: http://app.example.com:{run.port}/" in ready
    assert {
        f"DATABASE_URL: SQLite, {database}",
        f"REDIS_URL: {redis_address}",
        "BIND has no effect: make run chooses the addresses of web and ws.",
        "ALLOWED_HOST is not a setting and has no effect; did you mean ALLOWED_HOSTS?",
    } <= set(run.lines)
    assert "hunter2" not in "\n".join(run.lines)
    assert [process["name"] for process in run.description()["processes"]] == ["web", "ws-1", "nginx"]
    assert database.exists()
    assert not (run.directory / "secret_key").exists()

    def status(host: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=10)
        connection.request("GET", "/robots.txt", headers={"Host": host})
        with contextlib.closing(connection):
            return connection.getresponse().status

    assert status("app.example.com") == 200
    assert status("127.0.0.1") == 421
    ws = next(process["pid"] for process in run.description()["processes"] if process["role"] == "ws")
    assert b"DRAIN_SECONDS=0.5" in Path(f"/proc/{ws}/environ").read_bytes().split(b"\0")


def test_empty_secret_key_counts_as_unset(start_run):
    run = start_run(WS_PROCESSES="1", SECRET_KEY="")
    run.wait_for("ready: ")
    assert (run.directory / "secret_key").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights up for the test")
def test_privileged_port_is_a_one_line_error():
    program = "from pathlib import Path; from deploy.local import Stack; Stack(Path('/tmp'), port=80).start()"
    result = subprocess.run(
        ["unshare", "--net", "setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Listening on port 80 is not permitted; set a port from 1024 up, such as PORT=8080." in result.stderr


def test_port_in_use_is_a_one_line_error(start_run):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        run = start_run(PORT=str(other.getsockname()[1]))
        output, _ = run.process.communicate(timeout=60)
    assert run.process.returncode == 1
    assert output.strip().splitlines()[-1] == f"Port {run.port} is in use; set another one, such as PORT=8081."


def test_secret_key_is_private_and_kept(start_run):
    run = start_run(WS_PROCESSES="1")
    run.wait_for("ready: ")
    key = run.directory / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = key.read_text()
    assert len(first) >= 50
    run.end(signal.SIGTERM)
    run = start_run(WS_PROCESSES="1")
    run.wait_for("ready: ")
    assert key.read_text() == first


def test_reload_serves_changed_code(start_run, copied_repository):
    run = start_run("--reload", root=copied_repository, DEBUG="true", WS_PROCESSES="1")
    run.wait_for("ready: ")
    page = copied_repository / "apps/accounts/templates/registration/guest_name.html"
    page.write_text(page.read_text() + "{# changed #}{% block changed %}{% endblock %}")
    guests = copied_repository / "apps/accounts/guests.py"
    guests.write_text(guests.read_text().replace("CHOSEN_MAX_CHARS = 30", "CHOSEN_MAX_CHARS = 31"))
    run.wait_for("code changed")
    deadline = time.monotonic() + 20
    content = ""
    while 'maxlength="31"' not in content and time.monotonic() < deadline:
        try:
            content = get(f"http://127.0.0.1:{run.port}/accounts/name/")
        except OSError:
            continue  # web restarts
    assert 'maxlength="31"' in content


def test_other_users_can_neither_read_files_nor_use_redis(start_run, tmp_path):
    left_by_an_earlier_release = tmp_path / "run/log/old.log"
    left_by_an_earlier_release.parent.mkdir(parents=True, mode=0o777)
    left_by_an_earlier_release.touch(0o666)
    umask = os.umask(0)
    try:
        run = start_run(WS_PROCESSES="1")
    finally:
        os.umask(umask)
    run.wait_for("ready: ")
    assert get(f"http://127.0.0.1:{run.port}/errors/error.css")
    paths = [run.directory, *run.directory.rglob("*")]
    assert {"db.sqlite3", "secret_key", "nginx.conf", "redis.conf", "web.log", "old.log", "metrics"} <= {
        path.name for path in paths
    }
    assert [str(path) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []

    url = (run.directory / "redis/url").read_text().strip()
    password = urlsplit(url).password
    assert password
    # The password is not on command lines, on the terminal or in logs.
    assert not any(password in line for line in [*processes_of(run.directory), *run.lines])
    assert not any(password in log.read_text() for log in (run.directory / "log").iterdir())
    with redis.Redis.from_url(url.replace(f":{password}@", "")) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis.from_url(url) as owner:
        assert owner.ping()
    assert run.end(signal.SIGINT) == 0


def test_shared_directory_is_rejected(start_run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o1777)
    assert "choose another with --directory" in start_run().wait_for("belongs to another user or is shared")
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o1777


def test_shown_log_lines_are_escaped_for_the_terminal(tmp_path):
    log = tmp_path / "process.log"
    log.write_bytes(b"\x1b]0;owned\x07 \xff \xc2\x9b2J \xe2\x80\xae\n")
    process = Process("process", "process", "http://127.0.0.1", [], log, bool)
    assert process.last_line().isprintable()
    assert r"\x1b]0;owned\x07" in process.last_line()
