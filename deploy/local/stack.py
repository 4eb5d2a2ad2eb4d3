"""The whole stack as processes of this machine."""

import contextlib
import json
import os
import secrets
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from deploy.local import nginx, ports
from deploy.local.binaries import find_redis
from deploy.local.process import (
    PRIVATE_UMASK,
    Process,
    ProcessFailed,
    answers_http,
    answers_redis_ping,
    open_private,
    printable,
)

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps"))
# The entry point stops first, Redis last, after its clients.
STOP_ORDER = ["nginx", "ws", "web", "redis"]
STOP_SECONDS = 10


class Stack:
    """nginx, web, ws processes and Redis on the loopback address, with all their data in one directory.

    Other users of the machine can neither read the directory nor log in to Redis, which gets a new password each time.
    A process that exits is not restarted; ``Supervisor`` does that.

    Args:
        directory: for the database, logs and everything else that the processes write.
        port: of nginx; 0 picks a free one.
        ws_processes: how many ws processes are started.
        environment: for web and ws, over the environment of this process; nginx reads its settings from it too.
        own_redis: whether a Redis is started. Otherwise ``environment`` has a ``REDIS_URL``.
        settings: settings modules by role, if they are not ``web.settings`` and ``ws.settings``.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        ws_processes: int = 2,
        environment: Mapping[str, str] | None = None,
        own_redis: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = {"web": "web.settings", "ws": "ws.settings", **(settings or {})}
        self.directory = directory.resolve()
        self.is_interrupted = False
        self.port = port or ports.pick()
        self.url = f"http://{ports.HOST}:{self.port}"
        self._health_port = ports.pick()
        self._redis_port, self._redis_password = ports.pick(), secrets.token_urlsafe(32)
        self._redis_url = f"redis://:{self._redis_password}@{ports.HOST}:{self._redis_port}/0"
        self.environment = {
            **os.environ,
            "PYTHONPATH": PYTHONPATH,
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": f"sqlite:///{self.directory}/db.sqlite3",
            "REDIS_URL": self._redis_url,
            "STATIC_ROOT": str(self.directory / "static"),
            "DRAIN_SECONDS": os.environ.get("DRAIN_SECONDS", "1"),
            **(environment or {}),
        }
        if not self.environment.get("SECRET_KEY"):
            self.environment.pop("SECRET_KEY", None)
            self.environment.setdefault("SECRET_KEY_FILE", str(self.directory / "secret_key"))
        self.processes = [
            *([self._redis()] if own_redis else []),
            self._web(),
            *(self._ws(number + 1) for number in range(ws_processes)),
        ]
        self.processes.append(self._nginx())

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def process(self, name: str) -> Process:
        """Return the process of that name: ``nginx``, ``web``, ``redis``, ``ws-1`` …"""
        return next(process for process in self.processes if process.name == name)

    def start(self) -> None:
        """Start all processes, and return when they are ready or the stack is interrupted.

        Raises ProcessFailed after stopping the others.
        """
        try:
            ports.listen_once(self.port)
        except PermissionError:
            raise ProcessFailed(
                f"Listening on port {self.port} is not permitted; set a port from 1024 up, such as PORT=8080."
            ) from None
        except OSError:
            raise ProcessFailed(f"Port {self.port} is in use; set another one, such as PORT=8081.") from None
        self._make_private_directory()
        try:
            self._render_nginx()
            self._configure_redis()
            self._make_secret_key()
            for process in self.processes:
                if process.role == "redis":
                    process.start()
            self._prepare()
            if self.is_interrupted:
                return
            for process in self.processes:
                process.start()
            for process in self.processes:
                process.wait_ready(interrupted=lambda: self.is_interrupted)
        except BaseException:
            self.stop()
            raise
        self.describe()

    def interrupt(self, *_: object) -> None:
        """Make ``start`` and the supervisor return soon. A signal handler: an Event's lock could deadlock here."""
        self.is_interrupted = True

    def stop(self) -> None:
        """Stop all processes in order; kill those that do not exit in time."""
        for role in STOP_ORDER:
            processes = [process for process in self.processes if process.role == role]
            for process in processes:
                process.signal(process.stop_signal)
            for process in processes:
                process.wait_stopped(self._ws_stop_seconds if role == "ws" else 2)
        self.description.unlink(missing_ok=True)

    def restart(self, name: str) -> None:
        """Restart a process, and return when it is ready."""
        self.process(name).stop(self._ws_stop_seconds)
        self.process(name).start()
        self.process(name).wait_ready()
        self.describe()

    def add_ws(self) -> Process:
        """Start another ws process, and reload nginx with it."""
        process = self._ws(1 + sum(process.role == "ws" for process in self.processes))
        self.processes.append(process)
        process.start()
        process.wait_ready()
        self._render_nginx()
        self.process("nginx").signal(signal.SIGHUP)
        self.describe()
        return process

    @property
    def _ws_stop_seconds(self) -> float:
        return STOP_SECONDS + sum(float(self.environment.get(name, 0)) for name in ("DRAIN_DELAY", "DRAIN_SECONDS"))

    @property
    def description(self) -> Path:
        """The file that describes the running stack as JSON: its URL and its processes."""
        return self.directory / "stack.json"

    def describe(self) -> None:
        """Write the description."""
        processes = [
            {
                "name": process.name,
                "role": process.role,
                "url": process.address,
                "pid": process.pid,
                "log": str(process.log),
            }
            for process in self.processes
        ]
        partial = self.description.with_suffix(".partial")
        with open(partial, "w", opener=open_private) as file:
            json.dump({"processes": processes, "url": self.url}, file, indent=2)
        partial.replace(self.description)

    def _make_private_directory(self) -> None:
        """Create the directory and revoke the access of others to it. Raises ProcessFailed if another user owns it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.directory.stat()
        if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
            raise ProcessFailed(
                f"{self.directory} belongs to another user or is shared; choose another with --directory."
            )
        self._revoke_access_of_others()

    def _revoke_access_of_others(self) -> None:
        # Other tools keep virtual environments in .run; the mode of the directory protects them.
        below = (
            *self.directory.iterdir(),
            *(self.directory / "log").glob("*"),
            *(self.directory / "static").rglob("*"),
        )
        for path in (self.directory, *below):
            if not path.is_symlink() and (mode := stat.S_IMODE(path.stat().st_mode)) & PRIVATE_UMASK:
                path.chmod(mode & ~PRIVATE_UMASK)

    def _configure_redis(self) -> None:
        # A password on the command line could be read by all users of the machine.
        folder = self.directory / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in (("redis.conf", f"requirepass {self._redis_password}"), ("url", self._redis_url)):
            with open(folder / name, "w", opener=open_private) as file:
                file.write(text + "\n")

    def _make_secret_key(self) -> None:
        path = Path(self.environment.get("SECRET_KEY_FILE", self.directory / "secret_key"))
        if "SECRET_KEY" not in self.environment and not path.exists():
            with open(path, "w", opener=open_private) as file:
                file.write(secrets.token_urlsafe(50))

    def _prepare(self) -> None:
        """Migrate the database, compile the translations and collect the static files."""
        self._manage("prepare")
        # Django sets the mode of static files (FILE_UPLOAD_PERMISSIONS) regardless of the umask.
        self._revoke_access_of_others()

    def compile_translations(self) -> None:
        """Compile the translations that have changed."""
        self._manage("compile_translations")

    def _manage(self, command: str) -> None:
        log = self._log(command)
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(log, "wb", opener=open_private) as output:
            program = [sys.executable, str(ROOT / "manage.py"), command]
            environment = {**self.environment, "DJANGO_SETTINGS_MODULE": self.settings["web"]}
            process = subprocess.Popen(program, env=environment, stdout=output, stderr=output, umask=PRIVATE_UMASK)
        if self._wait(process) and not self.is_interrupted:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise ProcessFailed(
                f"{command} failed: {printable(lines[-1]) if lines else 'it logged nothing'} (log: {log})"
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        """Return the exit code of the process, which is terminated if the stack is interrupted."""
        while process.poll() is None:
            if self.is_interrupted:
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        return process.returncode

    def _render_nginx(self) -> None:
        addresses = {
            role: " ".join(process.url.removeprefix("http://") for process in self.processes if process.role == role)
            for role in ("web", "ws")
        }
        environment = {
            "NGINX_LISTEN": f"{ports.HOST}:{self.port}",
            "NGINX_HEALTH_LISTEN": f"{ports.HOST}:{self._health_port}",
            "WEB_SERVERS": addresses["web"],
            "WS_SERVERS": addresses["ws"],
            **{name: self.environment[name] for name in nginx.SETTINGS if name in self.environment},
        }
        nginx.render(self.directory / "nginx" / "nginx.conf", environment)

    def _log(self, name: str) -> Path:
        return self.directory / "log" / f"{name}.log"

    def _redis(self) -> Process:
        folder = self.directory / "redis"
        command = [str(find_redis()), str(folder / "redis.conf"), "--bind", ports.HOST, "--port", str(self._redis_port)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        return Process("redis", "redis", self._redis_url, command, self._log("redis"), answers_redis_ping)

    def _web(self) -> Process:
        gunicorn = str(Path(sys.executable).with_name("gunicorn"))
        command = [gunicorn, "--config", str(ROOT / "services/web/gunicorn.conf.py")]
        return self._service("web", "web", command, PROMETHEUS_MULTIPROC_DIR=str(self.directory / "metrics"))

    def _ws(self, number: int) -> Process:
        return self._service(f"ws-{number}", "ws", [sys.executable, "-m", "ws"])

    def _service(self, name: str, role: str, command: list[str], **more: str) -> Process:
        bind = f"{ports.HOST}:{ports.pick()}"
        environment = {**self.environment, "BIND": bind, "DJANGO_SETTINGS_MODULE": self.settings[role], **more}
        return Process(name, role, f"http://{bind}", command, self._log(name), answers_http("/readyz"), environment)

    def _nginx(self) -> Process:
        command = nginx.command(self.directory / "nginx" / "nginx.conf")
        is_healthy = answers_http("/healthz")
        # Its port for clients may expect the PROXY protocol.
        health = f"http://{ports.HOST}:{self._health_port}"
        return Process("nginx", "nginx", self.url, command, self._log("nginx"), lambda _: is_healthy(health))
