"""``{% module_script 'chat/room.js' %}``: a JavaScript module, and with it the modules that it imports.

A browser learns of each level of imports only when it has read the level before, unless the page names them all.
https://html.spec.whatwg.org/multipage/links.html#link-type-modulepreload
"""

import functools
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# A static import of another file.
IMPORT = re.compile(r'^import\b[^;"]*"(\.{1,2}/[^"]+)"', re.MULTILINE)


@register.simple_tag
def module_script(path: str) -> SafeString:
    """Return the ``<script>`` of a module, and a ``<link>`` for every module that it imports, directly or not.

    ``path`` is that of a static file, as in ``{% static %}``. Raises FileNotFoundError where it, or a module that is
    imported, does not exist.
    """
    modules = imports(path) if settings.DEBUG else cached_imports(path)
    links = format_html_join("", '\n  <link rel="modulepreload" href="{}">', ((static(module),) for module in modules))
    return format_html('<script type="module" src="{}"></script>{}', static(path), links)


def imports(path: str) -> tuple[str, ...]:
    """Return the paths of all modules that the static file imports, those it names first, without itself."""
    found = {path: None}
    waiting = [path]
    while waiting:
        for module in _imports_of(waiting.pop(0)):
            if module not in found:
                found[module] = None
                waiting.append(module)
    return tuple(found)[1:]


cached_imports = functools.cache(imports)


def _imports_of(path: str) -> Iterator[str]:
    file = finders.find(path)
    if file is None:
        raise FileNotFoundError(f"There is no static file {path}.")
    for relative in IMPORT.findall(Path(file).read_text()):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
