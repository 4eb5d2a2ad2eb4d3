"""Every command of the README is executed in a fresh clone; a new command needs a test here."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
import yaml
from websockets.sync.client import connect

from deploy.local import ports
from deploy.local.stack import ROOT
from tests.readme.console import blocks, commands, run
from tests.readme.terminal import Terminal
from tests.support import engine
from tests.support.manifests import KUBECTL

RUN = "make run"
COMPOSE = "docker compose up --wait"
CHECK = "REDIS_URL_FILE=.run/redis/url .venv/bin/python manage.py check_channel_layer"
TEST_URL = "make test-url URL=https://chat.example.com"
IMAGES = "make k8s-images"
APPLY = "kubectl apply -k deploy/k8s/overlays/local"
FORWARD = "kubectl -n channels-stack port-forward service/nginx 8080:80"
CAPACITY = "make capacity CONNECTIONS=100000"
SBOM = "make sbom"
EXECUTED_HERE = {RUN, COMPOSE, CHECK, IMAGES, APPLY, FORWARD}
# By test_rename.py, and by test_your_app.py as the first step of docs/your-app.md.
EXECUTED_ELSEWHERE = {"make rename NAME=acme", "cp -r examples/poll apps/"}
# It takes two minutes on an otherwise idle machine, and its figures cannot be asserted.
NOT_EXECUTED = {"make bench QUICK=1"}
README = commands("README.md")
# The other commands are test suites, which .ci/run executes.
SUITES = [command for command in README if command not in {*EXECUTED_HERE, *EXECUTED_ELSEWHERE, *NOT_EXECUTED}]


def test_every_command_of_the_readme_has_a_test() -> None:
    assert len(README) == len(set(README))
    assert set(README) >= {*EXECUTED_HERE, *EXECUTED_ELSEWHERE, *NOT_EXECUTED}
    assert EXECUTED_ELSEWHERE & set(commands("docs/your-app.md"))


@pytest.mark.parametrize("command", SUITES)
def test_ci_runs_the_suite(command: str) -> None:
    make, target = command.split()
    assert make == "make"
    # As a command, or in the list of suites.
    assert re.search(rf"^(make |([\w-]+ )*){target}(\s|$)", (ROOT / ".ci/run").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", [*SUITES, *NOT_EXECUTED])
def test_make_target_exists(shared_clone: Path, command: str) -> None:
    assert "python" in run(f"{command} --dry-run", shared_clone)


def test_every_page_of_docs_is_linked() -> None:
    text = (ROOT / "README.md").read_text()
    for page in ROOT.glob("docs/*.md"):
        assert f"](docs/{page.name})" in text, page.name


def test_readme_is_short_and_begins_with_picture_command_and_figures() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    beginning = "\n".join(lines[:31])
    for wanted in ("docs/topology.svg", "$ make run", "docs/chat.png", "deliveries per CPU-second"):
        assert wanted in beginning


@pytest.fixture(scope="module")
def running(shared_clone: Path) -> Iterator[Terminal]:
    """`make run` in a fresh clone, where it creates its virtual environment and database."""
    assert not (shared_clone / ".venv").exists()
    terminal = Terminal(RUN, shared_clone, PORT=str(ports.pick()))
    terminal.wait_for("ready: ", seconds=240)
    yield terminal
    terminal.press_ctrl_c()
    assert terminal.lines[-1].endswith("stopping"), terminal.lines[-5:]
    assert not (shared_clone / ".run/stack.json").exists()
    assert run("git status --porcelain", shared_clone) == ""


def processes(clone: Path) -> dict[str, str]:
    """Return the URLs of the running processes by name."""
    return {
        process["name"]: process["url"] for process in json.loads((clone / ".run/stack.json").read_text())["processes"]
    }


@pytest.mark.timeout(300)
def test_make_run_prints_what_the_readme_shows(running: Terminal) -> None:
    shown = [line.split()[0] for line in blocks("README.md")[0].splitlines()[1:]]
    printed = [line.split()[0] for line in running.lines if line.strip()]
    assert printed[printed.index("process") : printed.index("ready:") + 1] == shown


def expect_chat(url: str) -> None:
    """Fetch the page, open two sockets, and expect the message of one in the other."""
    assert 'id="room-name-input"' in httpx.get(url, follow_redirects=True).text
    socket = f"{url.replace('http', 'ws', 1)}/ws/chat/{token_hex(4)}/"
    with connect(socket, origin=url) as alice, connect(socket, origin=url) as bob:  # type: ignore[arg-type]
        alice.send('{"message": "hello"}')
        assert json.loads(bob.recv(10)) == {"message": "hello"}


def test_chat_delivers_a_message(running: Terminal, shared_clone: Path) -> None:
    expect_chat(processes(shared_clone)["nginx"])


def test_check_channel_layer_prints_the_round_trip_time(running: Terminal, shared_clone: Path) -> None:
    output = run(CHECK, shared_clone)
    assert re.fullmatch(r"The channel layer works: [\d.]+ ms there and back\.\n", output)


@pytest.mark.timeout(300)
def test_behaviour_tests_pass_against_url(running: Terminal, shared_clone: Path) -> None:
    address = processes(shared_clone)["nginx"]
    command = TEST_URL.replace("https://chat.example.com", address)
    # A selection, because `make test` runs all.
    output = run(command, shared_clone, PYTEST_ADDOPTS="-k 'room or origin'")
    assert re.search(r"\d+ passed", output)


@pytest.mark.timeout(300)
def test_capacity_and_sbom_print_their_results(running: Terminal, shared_clone: Path) -> None:
    assert "\nCores: " in run(CAPACITY, shared_clone)
    for path in run(SBOM, shared_clone).split()[-2:]:
        assert json.loads((shared_clone / path).read_text())["bomFormat"] == "CycloneDX"


@pytest.fixture
def containers(clone: Path) -> Iterator[dict[str, str]]:
    """Variables that give the containers and images of this clone names and ports of their own."""
    if not engine.is_running():
        pytest.fail(
            "The README's commands for Docker and Kubernetes need a container engine: install Docker, or start it."
        )
    variables = {
        "COMPOSE_PROJECT_NAME": f"readme-{token_hex(4)}",
        "PORT": str(ports.pick()),
        # Tags of their own, on layers in the build cache.
        "VERSION": "readme",
        "K8S_IMAGES": str(clone / ".run/images"),
    }
    yield variables
    run("docker compose down --volumes", clone, **variables)
    images = "docker compose config --images | grep ':readme$' | sort --unique"
    run(f"docker image rm --force $({images})", clone, **variables)


@pytest.mark.timeout(600)
def test_compose_commands_and_k8s_images(clone: Path, containers: dict[str, str]) -> None:
    # docker compose builds them only with buildx 0.17 or newer.
    run("make build", clone, seconds=400, **containers)
    run(COMPOSE, clone, seconds=200, **containers)
    expect_chat(f"http://localhost:{containers['PORT']}")
    assert len(run("docker compose ps --quiet", clone, **containers).split()) == 6
    run(IMAGES, clone, seconds=400, **containers)
    files = sorted(path.name for path in (clone / ".run/images").glob("*.tar"))
    assert len(files) == 5
    assert run("git status --porcelain", clone) == ""


def test_kubernetes_manifests_render(shared_clone: Path) -> None:
    folder = APPLY.removeprefix("kubectl apply -k ")
    objects = list(yaml.safe_load_all(run(f"{KUBECTL} kustomize {folder}", shared_clone)))
    _, _, namespace, verb, target, forwarded = FORWARD.split()
    kind, name = target.split("/")
    assert (verb, kind) == ("port-forward", "service")
    assert any(item["kind"] == "Namespace" and item["metadata"]["name"] == namespace for item in objects)
    service = next(item for item in objects if item["kind"].lower() == kind and item["metadata"]["name"] == name)
    assert service["metadata"]["namespace"] == namespace
    assert int(forwarded.split(":")[1]) in [port["port"] for port in service["spec"]["ports"]]
    images = {
        container["image"]
        for item in objects
        if item["kind"] in {"Deployment", "StatefulSet", "Job"}
        for container in item["spec"]["template"]["spec"]["containers"]
    }
    # These are the images that `make k8s-images` saves.
    saved = run(f"{IMAGES} --dry-run", shared_clone)
    assert all(image in saved for image in images), images
