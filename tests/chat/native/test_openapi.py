"""The HTTP API answers as apps/chat/openapi.yaml says, whatever it is asked."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Stack
from deploy.local.stack import ROOT
from tests.support.limits import NO_LIMITS
from tests.support.tokens import make_token

EXAMPLES = 50


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("openapi"), ws_processes=1, environment=NO_LIMITS) as stack:
        yield stack


@pytest.mark.parametrize("with_token", [True, False], ids=["user", "stranger"])
def test_every_answer_is_one_that_the_description_has(stack: Stack, tmp_path: Path, with_token: bool) -> None:
    schemathesis = str(Path(sys.executable).with_name("schemathesis"))
    command = [schemathesis, "run", str(ROOT / "apps/chat/openapi.yaml"), "--url", stack.url, "--no-color"]
    # OpenAPI has no word for "only one of after and before", so not all that it allows is accepted.
    command += ["--exclude-checks", "positive_data_acceptance"]
    # The same examples each time.
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--generation-deterministic"]
    if with_token:
        command += ["--header", f"Authorization: Bearer {make_token(stack)}"]
    result = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
