from django.conf import settings
from django.http import HttpRequest


def path_prefix(request: HttpRequest) -> dict[str, str]:
    """Context processor: ``path_prefix``, for the addresses of sockets, which Django's ``url`` does not know."""
    return {"path_prefix": settings.PATH_PREFIX}
