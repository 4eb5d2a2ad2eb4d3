from django.conf import settings
from django.http import HttpRequest


def path_prefix(request: HttpRequest) -> dict[str, str]:
    """Context processor: ``path_prefix``, for addresses of sockets, for which Django's ``url`` has no route."""
    return {"path_prefix": settings.PATH_PREFIX}
