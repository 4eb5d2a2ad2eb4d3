"""Where a browser finds the product, once the stack is ready."""

import http.client
from urllib.parse import urljoin, urlsplit

from deploy.local import ports
from deploy.local.stack import Stack

MAX_REDIRECTS = 5


def home_page(stack: Stack) -> str:
    """Return the address that ``/`` leads to, which is the chat's until a team replaces it.

    Its host is the loopback address, or the first of ALLOWED_HOSTS where that does not have it.
    """
    host = f"{_host(stack.environment.get('ALLOWED_HOSTS', ''))}:{stack.port}"
    path = "/"
    try:
        for _ in range(MAX_REDIRECTS):
            if (location := _redirect(stack.port, host, path)) is None:
                break
            path = location
    except (OSError, http.client.HTTPException):
        # With PROXY_PROTOCOL nginx has no answer for who does not speak it.
        return stack.url
    return f"http://{host}{path}"


def _redirect(port: int, host: str, path: str) -> str | None:
    """Return the path on the same host that a path leads to, None where it leads nowhere else."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host})
        location = connection.getresponse().getheader("Location")
    finally:
        connection.close()
    if location is None:
        return None
    target = urlsplit(urljoin(f"http://{host}{path}", location))
    return target.path if target.netloc == host else None


def _host(allowed_hosts: str) -> str:
    hosts = allowed_hosts.replace(",", " ").split() or [ports.HOST]
    return ports.HOST if {ports.HOST, "*"} & set(hosts) else hosts[0].lstrip(".")
