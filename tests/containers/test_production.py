"""compose.production.yml: TLS, secrets from files, an external database and Redis."""

import json
import re
import secrets
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from deploy.local import ports
from tests.containers.project import Project
from tests.support.engine import inspect
from tests.support.members import next_of

FILES = (
    "docker-compose.yml",
    "compose.production.yml",
    "tests/containers/production.yml",
    "tests/containers/feed.yml",
)
HOST = "localhost"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder secrets/."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "secret_key").write_text(secrets.token_urlsafe(50) + "\n")
    verified = "sslmode=verify-full&sslrootcert=/run/secrets/database_ca"
    (folder / "database_url").write_text(f"postgres://postgres:elsewhere@database:5432/postgres?{verified}\n")
    (folder / "redis_url").write_text("redis://:elsewhere@cache:6379/0\n")
    for name, host in (("tls", HOST), ("database", "database")):
        certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={host}"]
        certificate += ["-addext", f"subjectAltName=DNS:{host}"]
        files = ["-out", str(folder / f"{name}_certificate.pem"), "-keyout", str(folder / f"{name}_key.pem")]
        subprocess.run([*certificate, *files], check=True, capture_output=True)
    # Containers read them as other users.
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def production(images: None, folder: Path) -> Iterator[Project]:
    environment = {
        "ALLOWED_HOSTS": HOST,
        "IMAGES": "channels-stack",
        "PUBLISH_ADDRESS": "127.0.0.1",
        "TLS_PORT": str(ports.pick()),
        "SECRETS": str(folder),
        "DATABASE_CA": str(folder / "database_certificate.pem"),
    }
    project = Project(environment, FILES)
    try:
        project.compose("up", "--wait")
        yield project
    finally:
        project.compose("down", "--volumes")
    assert not any(project.leftovers().values())


@pytest.fixture
def browser(production: Project, folder: Path) -> Iterator[httpx.Client]:
    tls = ssl.create_default_context(cafile=str(folder / "tls_certificate.pem"))
    url = f"https://{HOST}:{production.environment['TLS_PORT']}"
    with httpx.Client(base_url=url, verify=tls, follow_redirects=True) as client:
        yield client


def test_http_is_redirected_to_https(production: Project) -> None:
    answer = httpx.get(f"http://{HOST}:{production.port}/feed/?a=b")
    assert answer.status_code == 308
    assert answer.headers["location"] == f"https://{HOST}/feed/?a=b"
    assert httpx.get(f"http://{HOST}:{production.port}/ws/feed/room/").status_code == 308


def test_signup_over_https_sets_only_secure_cookies(browser: httpx.Client) -> None:
    page = browser.get("/accounts/signup/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    password = secrets.token_urlsafe()
    form = {"username": "secure", "password1": password, "password2": password, "csrfmiddlewaretoken": token[1]}
    answer = browser.post("/accounts/signup/", data=form, headers={"Referer": str(page.url)})
    assert answer.status_code == 200
    assert answer.url.path == "/feed/"
    assert "secure" in browser.get("/nothing-here/").text
    cookies = list(browser.cookies.jar)
    assert {"sessionid", "csrftoken"} <= {cookie.name for cookie in cookies}
    assert all(cookie.secure for cookie in cookies)


async def test_messages_are_delivered_over_wss(browser: httpx.Client, folder: Path) -> None:
    tls = ssl.create_default_context(cafile=str(folder / "tls_certificate.pem"))
    origin = str(browser.base_url).rstrip("/")
    address = f"{origin.replace('https', 'wss', 1)}/ws/feed/room/"
    async with connect(address, ssl=tls, origin=origin) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"type": "entry", "id": "over TLS", "text": "hello"}))
        assert (await next_of(socket, "entry"))["id"] == "over TLS"


def test_container_environments_contain_no_secret(production: Project, folder: Path) -> None:
    environments = [
        variable for id in production.ids("web", "ws", "nginx") for variable in inspect(id)[0]["Config"]["Env"]
    ]
    for name in ("secret_key", "database_url", "redis_url"):
        secret = (folder / name).read_text().strip()
        assert not [variable for variable in environments if secret in variable]
