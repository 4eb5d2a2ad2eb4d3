from collections.abc import Iterator
from typing import Any

import rjsmin
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
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


class MinifiedSource:
    """A storage whose scripts are read without comments and indentation: two fifths of them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def open(self, path: str) -> File:
        """Return the script."""
        with self._storage.open(path) as file:
            return ContentFile(rjsmin.jsmin(file.read().decode()).encode())


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """File names contain a hash of the content, also in JavaScript imports, so browsers may cache them forever.

    Scripts are minified, except ``*.min.js``. ``collectstatic`` does both, so with DEBUG a browser shows the source.
    """

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, tuple[Storage, str]], *args: Any, **options: Any) -> Iterator[Any]:
        """Process all collected files; ``paths`` has the storage and the path of each by its name."""
        sources = {
            name: (MinifiedSource(storage) if name.endswith(".js") and not name.endswith(".min.js") else storage, path)
            for name, (storage, path) in paths.items()
        }
        yield from super().post_process(sources, *args, **options)
