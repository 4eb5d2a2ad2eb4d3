from tests.support.pages import plain_static_files, translations  # noqa: F401
