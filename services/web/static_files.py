from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names carry a hash of the content, so browsers may keep files for ever; also in JavaScript imports."""

    support_js_module_import_aggregation = True
