"""``make lint``: check the rendered nginx configuration with ``nginx -t`` and gixy."""

import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.binaries import find_nginx
from deploy.local.nginx import render


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "nginx.conf"
        render(
            configuration,
            {
                "NGINX_LISTEN": "127.0.0.1:8080",
                "WEB_SERVERS": "127.0.0.1:8001 web:8000",
                "WS_SERVERS": "127.0.0.1:8002 ws:8000",
                "TRUSTED_PROXIES": "10.0.0.0/8 192.168.0.0/16",
            },
        )
        nginx = [str(find_nginx()), "-t", "-q", "-p", folder, "-c", str(configuration), "-e", "stderr"]
        # host_spoofing: $http_host keeps the port, which the origin checks of web and ws need; both validate the host.
        # proxy_pass_normalized: the path of a static file is normalized on purpose, as the cache key is.
        skips = "host_spoofing,proxy_pass_normalized"
        gixy = [str(Path(sys.executable).with_name("gixy")), "--skips", skips, str(configuration)]
        return max(subprocess.run(command, check=False).returncode for command in (nginx, gixy))


if __name__ == "__main__":
    sys.exit(main())
