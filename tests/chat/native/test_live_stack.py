"""The test that docs/your-app.md shows, with the template's services."""

import os
import re
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import PYTHONPATH, ROOT

TESTING = (ROOT / "docs/your-app.md").read_text().partition("\n## Testing\n")[2].partition("\n## ")[0]
COMMAND = [sys.executable, "-m", "pytest", "-p", "channels_live.testing.plugin", "-p", "no:valkey", "--ds=web.settings"]


def test_documented_test_passes_with_the_settings_of_ws(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", TESTING, re.MULTILINE | re.DOTALL)
    (tmp_path / "test_team.py").write_text(block)
    # So that pytest does not look for its settings in a folder above.
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DATABASE_URL"}}
    environment |= {"PYTHONPATH": PYTHONPATH, "SECRET_KEY": "0123456789" * 5}
    result = subprocess.run(
        COMMAND, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert result.returncode == 0, result.stdout
