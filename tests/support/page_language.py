"""In which language a page is: what a visitor sees, what a screen reader reads out, and what a script may show."""

import re
from html.parser import HTMLParser

from django.contrib import admin
from django.urls import reverse

# Names, and what Django's admin has in English only: the texts of its icons.
SAME_IN_JAPANESE = (
    *("channels-stack", "Django Channels", "JavaScript", "Cookie", "English", "API", "LDAP", "ID"),
    *("Shift+Enter", "Command", "Control", "Mac"),
    *("Search", "True", "False"),
    # How the names of guests begin, where a form explains them.
    "guest-",
)
SAME_IN_ENGLISH = ("日本語",)
ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
UNSEEN = {"script", "style"}
# A sentence for a script in a data- attribute, and not a path or an identifier.
SENTENCE = re.compile(r"[A-Z][a-z’]+( |…|\.|$)|\w \w")
LATIN = re.compile("[A-Za-z][A-Za-z’]+")
# The name of a guest, or the end of one.
GUEST = re.compile(r"(guest-|#)[a-z0-9]{6}\b")
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]+")


class VisibleText(HTMLParser):
    """Collects ``texts`` of a page: its text nodes, and the attributes that are shown, read out or used by scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unseen = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self._unseen += 1
        given = {name: value or "" for name, value in attrs}
        is_button = tag == "input" and given.get("type") in {"submit", "button", "reset"}
        is_description = tag == "meta" and given.get("name", given.get("property", "")).endswith("description")
        for name, value in given.items():
            is_shown = name in ATTRIBUTES or (name.startswith("data-") and SENTENCE.search(value))
            if is_shown or (name == "value" and is_button) or (name == "content" and is_description):
                self.texts.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.texts.append(data)


def foreign_words(html: str, language: str) -> set[str]:
    """Return what a page shows that is not of its language, ``ja`` or ``en``."""
    text = GUEST.sub("", "\n".join(VisibleText(html).texts))
    for name in SAME_IN_JAPANESE if language == "ja" else SAME_IN_ENGLISH:
        text = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", "", text)
    return set((LATIN if language == "ja" else JAPANESE).findall(text))


def admin_pages() -> list[str]:
    """Return the paths of the admin's pages for all models, and for each row that is stored of them."""
    paths = ["/admin/", "/admin/password_change/"]
    for model in admin.site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        paths.append(reverse("admin:app_list", args=[app]))
        paths += [reverse(f"admin:{app}_{name}_{view}") for view in ("changelist", "add")]
        for pk in model._default_manager.values_list("pk", flat=True):
            paths += [reverse(f"admin:{app}_{name}_{view}", args=[pk]) for view in ("change", "history", "delete")]
    return list(dict.fromkeys(paths))
