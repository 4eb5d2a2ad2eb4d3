"""The address of the home page of a running stack."""

import http.client
from urllib.parse import urljoin, urlsplit

from deploy.local import ports
from deploy.local.stack import Stack

MAX_REDIRECTS = 5


def home_page(stack: Stack) -> str:
    """Return the URL to which nginx redirects ``/``.

    Its host is the loopback address, or the first of ALLOWED_HOSTS if the loopback address is not one of them.
    Return the URL of nginx if nginx does not answer over HTTP.
    """
    host = f"{_host(stack.environment.get('ALLOWED_HOSTS', ''))}:{stack.port}"
    path = "/"
    try:
        for _ in range(MAX_REDIRECTS):
            if (location := _redirect(stack.port, host, path)) is None:
                break
            path = location
    except (OSError, http.client.HTTPException):
        # With PROXY_PROTOCOL nginx does not answer a plain HTTP request.
        return stack.url
    return f"http://{host}{path}"


def _redirect(port: int, host: str, path: str) -> str | None:
    """Return the path on the same host to which a path redirects, or None if it redirects to no such path."""
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
