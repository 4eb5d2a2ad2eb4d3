"""The whole topology as processes of this machine."""

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
from deploy.local.part import PRIVATE_UMASK, Part, PartFailed, answers_http, answers_redis_ping, printable, private

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps"))
# In this order parts stop: no new visitor, then those who use Redis, then Redis.
STOP_ORDER = ["nginx", "ws", "web", "redis"]
STOP_SECONDS = 10


class Stack:
    """nginx, web, ws processes and Redis on loopback, with all that they write in one directory.

    Other users of the machine can neither read the directory nor log in to Redis, whose password is new each time.
    ``port`` is nginx's, 0 for a free one. ``environment`` goes to web and ws over what the stack sets, and its settings
    of nginx to nginx. Without ``own_redis`` no Redis is started: ``environment`` names one. ``settings`` are the
    settings modules by service, where they are not ``web.settings`` and ``ws.settings``.
    A part that dies stays dead until someone starts it: only ``make run`` watches.
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
        self.parts = [
            *([self._redis()] if own_redis else []),
            self._web(),
            *(self._ws(number + 1) for number in range(ws_processes)),
        ]
        self.parts.append(self._nginx())

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def part(self, name: str) -> Part:
        """Return the part of that name: ``nginx``, ``web``, ``redis``, ``ws-1`` …"""
        return next(part for part in self.parts if part.name == name)

    def start(self) -> None:
        """Start everything and return when all is ready, or interrupted.

        Raises PartFailed, with nothing left running.
        """
        try:
            ports.listen_once(self.port)
        except PermissionError:
            raise PartFailed(
                f"You have no right to listen on port {self.port}; choose one from 1024 on, such as PORT=8080."
            ) from None
        except OSError:
            raise PartFailed(f"Port {self.port} is taken; choose another with PORT=8081.") from None
        self._make_private_directory()
        try:
            self._render_nginx()
            self._configure_redis()
            self._make_secret_key()
            for part in self.parts:
                if part.role == "redis":
                    part.start()
            self._prepare()
            if self.is_interrupted:
                return
            for part in self.parts:
                part.start()
            for part in self.parts:
                part.wait_ready(interrupted=lambda: self.is_interrupted)
        except BaseException:
            self.stop()
            raise
        self.describe()

    def interrupt(self, *_: object) -> None:
        """Make ``start`` and the supervisor return soon; a signal handler, which an Event's lock could not be in."""
        self.is_interrupted = True

    def stop(self) -> None:
        """Stop everything in order; what does not end in time is killed."""
        for role in STOP_ORDER:
            parts = [part for part in self.parts if part.role == role]
            for part in parts:
                part.signal(part.stop_signal)
            for part in parts:
                part.wait_stopped(self._ws_stop_seconds if role == "ws" else 2)
        self.description.unlink(missing_ok=True)

    def restart(self, name: str) -> None:
        """Stop a part, start it again, and return when it is ready."""
        self.part(name).stop(self._ws_stop_seconds)
        self.part(name).start()
        self.part(name).wait_ready()
        self.describe()

    def add_ws(self) -> Part:
        """Start one more ws process, and let nginx know."""
        part = self._ws(1 + sum(part.role == "ws" for part in self.parts))
        self.parts.append(part)
        part.start()
        part.wait_ready()
        self._render_nginx()
        self.part("nginx").signal(signal.SIGHUP)
        self.describe()
        return part

    @property
    def _ws_stop_seconds(self) -> float:
        return STOP_SECONDS + sum(float(self.environment.get(name, 0)) for name in ("DRAIN_DELAY", "DRAIN_SECONDS"))

    @property
    def description(self) -> Path:
        """Where the running stack is described as JSON: its address and parts."""
        return self.directory / "stack.json"

    def describe(self) -> None:
        """Write the description anew."""
        parts = [
            {"name": part.name, "role": part.role, "url": part.address, "pid": part.pid, "log": str(part.log)}
            for part in self.parts
        ]
        partial = self.description.with_suffix(".partial")
        with open(partial, "w", opener=private) as file:
            json.dump({"parts": parts, "url": self.url}, file, indent=2)
        partial.replace(self.description)

    def _make_private_directory(self) -> None:
        """Make the directory, in which an earlier release may have left what others can read. Raises PartFailed."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.directory.stat()
        if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
            raise PartFailed(f"{self.directory} is not a directory of yours alone; choose another with --directory.")
        self._take_rights_of_others()

    def _take_rights_of_others(self) -> None:
        # Not all that is below: other tools keep whole environments in .run, which its own mode protects.
        below = (
            *self.directory.iterdir(),
            *(self.directory / "log").glob("*"),
            *(self.directory / "static").rglob("*"),
        )
        for path in (self.directory, *below):
            if not path.is_symlink() and (mode := stat.S_IMODE(path.stat().st_mode)) & PRIVATE_UMASK:
                path.chmod(mode & ~PRIVATE_UMASK)

    def _configure_redis(self) -> None:
        # Not on the command line, which all users of the machine can read.
        folder = self.directory / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in (("redis.conf", f"requirepass {self._redis_password}"), ("url", self._redis_url)):
            with open(folder / name, "w", opener=private) as file:
                file.write(text + "\n")

    def _make_secret_key(self) -> None:
        path = Path(self.environment.get("SECRET_KEY_FILE", self.directory / "secret_key"))
        if "SECRET_KEY" not in self.environment and not path.exists():
            with open(path, "w", opener=private) as file:
                file.write(secrets.token_urlsafe(50))

    def _prepare(self) -> None:
        """Bring the database, the translations and the static files up to date."""
        self._manage("prepare")
        # Django gives static files a mode of their own, whatever the umask.
        self._take_rights_of_others()

    def compile_translations(self) -> None:
        """Bring the translations up to date."""
        self._manage("compile_translations")

    def _manage(self, command: str) -> None:
        log = self._log(command)
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(log, "wb", opener=private) as output:
            program = [sys.executable, str(ROOT / "manage.py"), command]
            environment = {**self.environment, "DJANGO_SETTINGS_MODULE": self.settings["web"]}
            process = subprocess.Popen(program, env=environment, stdout=output, stderr=output, umask=PRIVATE_UMASK)
        if self._wait(process) and not self.is_interrupted:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise PartFailed(f"{command} failed: {printable(lines[-1]) if lines else 'it wrote nothing'} (log: {log})")

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        """Return the exit code; end the process where the stack is interrupted."""
        while process.poll() is None:
            if self.is_interrupted:
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        return process.returncode

    def _render_nginx(self) -> None:
        addresses = {
            role: " ".join(part.url.removeprefix("http://") for part in self.parts if part.role == role)
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

    def _redis(self) -> Part:
        folder = self.directory / "redis"
        command = [str(find_redis()), str(folder / "redis.conf"), "--bind", ports.HOST, "--port", str(self._redis_port)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        return Part("redis", "redis", self._redis_url, command, self._log("redis"), answers_redis_ping)

    def _web(self) -> Part:
        gunicorn = str(Path(sys.executable).with_name("gunicorn"))
        command = [gunicorn, "--config", str(ROOT / "services/web/gunicorn.conf.py")]
        return self._service("web", "web", command, PROMETHEUS_MULTIPROC_DIR=str(self.directory / "metrics"))

    def _ws(self, number: int) -> Part:
        return self._service(f"ws-{number}", "ws", [sys.executable, "-m", "ws"])

    def _service(self, name: str, role: str, command: list[str], **more: str) -> Part:
        bind = f"{ports.HOST}:{ports.pick()}"
        environment = {**self.environment, "BIND": bind, "DJANGO_SETTINGS_MODULE": self.settings[role], **more}
        return Part(name, role, f"http://{bind}", command, self._log(name), answers_http("/readyz"), environment)

    def _nginx(self) -> Part:
        command = nginx.command(self.directory / "nginx" / "nginx.conf")
        is_healthy = answers_http("/healthz")
        # Its own port may speak the PROXY protocol.
        health = f"http://{ports.HOST}:{self._health_port}"
        return Part("nginx", "nginx", self.url, command, self._log("nginx"), lambda _: is_healthy(health))
