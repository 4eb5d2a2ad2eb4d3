"""Where a browser finds the product, once the stack is ready."""

import http.client

from deploy.local import ports
from deploy.local.stack import Stack


def home_page(stack: Stack) -> str:
    """Return the address that ``/`` leads to, which is the chat's until a team replaces it.

    Its host is the loopback address, or the first of ALLOWED_HOSTS where that does not have it.
    """
    host = f"{_host(stack.environment.get('ALLOWED_HOSTS', ''))}:{stack.port}"
    connection = http.client.HTTPConnection(ports.HOST, stack.port, timeout=30)
    try:
        connection.request("GET", "/", headers={"Host": host})
        location = connection.getresponse().getheader("Location", "/")
    except (OSError, http.client.HTTPException):
        # With PROXY_PROTOCOL nginx has no answer for who does not speak it.
        return stack.url
    finally:
        connection.close()
    return f"http://{host}{location}"


def _host(allowed_hosts: str) -> str:
    hosts = allowed_hosts.replace(",", " ").split() or [ports.HOST]
    return ports.HOST if {ports.HOST, "*"} & set(hosts) else hosts[0].lstrip(".")
