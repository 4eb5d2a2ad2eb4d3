from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Answers every request below ``STATIC_URL``, also for a file that does not exist.

    nginx allows more requests per second for files than for pages, and a 404 of Django costs as much as a page.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith(self.static_prefix) and not self.autorefresh and path not in self.files:
            return HttpResponseNotFound("Not found.\n", content_type="text/plain")
        response: HttpResponse = super().__call__(request)
        return response


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """File names contain a hash of the content, also in JavaScript imports, so browsers may cache them forever."""

    support_js_module_import_aggregation = True
