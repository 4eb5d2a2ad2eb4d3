"""make k8s-up and k8s-down change only the cluster whose context was named."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.manifests import KUBECTL, ROOT

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: production
contexts: [{name: production, context: {cluster: nowhere}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:9"}}]
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(KUBECONFIG)
    return {"PATH": f"{KUBECTL.parent}:{os.environ['PATH']}", "KUBECONFIG": str(tmp_path / "config")}


def make(target: str, *variables: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["make", target, *variables]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("target", ["k8s-up", "k8s-down"])
@pytest.mark.parametrize("named", ["", "staging"])
def test_target_fails_if_context_is_not_the_current_one(target, named, environment):
    result = make(target, f"CONTEXT={named}", env=environment)
    assert result.returncode != 0
    assert f'The current context is "production", not "{named}"; nothing was changed.' in result.stdout


@pytest.mark.parametrize("target", ["k8s-up", "k8s-down"])
def test_target_uses_the_current_context_if_it_is_named(target, environment):
    result = make(target, "CONTEXT=production", env=environment)
    assert "127.0.0.1:9" in result.stderr
