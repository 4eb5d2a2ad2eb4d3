"""Error responses of web: JSON below ``/api/``, a page elsewhere."""

import sys
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import defaults

from channels_live.database import is_temporary

RETRY_AFTER_SECONDS = 2


def api_error(status: int, code: str, detail: str, **headers: str) -> JsonResponse:
    """Return ``{"error": {"code", "detail"}}``; the code is for programs, the detail for developers."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return JsonResponse({"error": {"code": code, "detail": detail}}, status=status, headers=names)


def unavailable() -> JsonResponse:
    """Return the API's response while the database does not answer or is read-only."""
    detail = "The database does not answer; try again, under the same id."
    return api_error(503, "unavailable", detail, Retry_After=str(RETRY_AFTER_SECONDS))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500, also for exceptions of middleware: 503 where the database does not answer or is read-only."""
    is_database = is_temporary(sys.exc_info()[1])
    if _is_api(request):
        return (
            unavailable()
            if is_database
            else api_error(500, "internal", "Something went wrong; the error is in the log.")
        )
    if is_database:
        # Rendered without the request, whose session and user cannot be loaded.
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
    return defaults.server_error(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    if _is_api(request):
        return api_error(404, "not_found", "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: requests that Django itself refuses, such as those with too many fields."""
    if _is_api(request):
        return api_error(400, "bad_request", "The request is malformed or too large.")
    # Rendered without the request, whose host may be what is refused.
    return HttpResponseBadRequest(render_to_string("400.html"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return 403_csrf.html, or for the API the reason why a POST with a session cookie was refused.

    The page leads back to the page that had the form: its address is that of the Referer, since a form's own address
    often answers POST only.
    """
    if _is_api(request):
        return api_error(403, "csrf_failed", f"{reason} Send the X-CSRFToken header, or a Bearer token.")
    return render(request, "403_csrf.html", {"page": _page_of_form(request)}, status=403)


def _page_of_form(request: HttpRequest) -> str:
    """Return the path of the page that sent the form; that of the home page where the browser does not say."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        return reverse("home")
    return urlsplit(referer)._replace(scheme="", netloc="").geturl()


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
