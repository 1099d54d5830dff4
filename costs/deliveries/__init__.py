"""Deliveries: which files of a folder or bucket together are a version of a month's bill. Knows no network or disk."""

from costs.deliveries.files import StoredFile
from costs.deliveries.layouts import NO_MANIFEST, Delivery, exports_of, find_deliveries, unknown_names
from costs.deliveries.manifests import MANIFEST_LIMIT, Manifest, ManifestError, named_file, parse_manifest

__all__ = [
    "MANIFEST_LIMIT",
    "NO_MANIFEST",
    "Delivery",
    "Manifest",
    "ManifestError",
    "StoredFile",
    "exports_of",
    "find_deliveries",
    "named_file",
    "parse_manifest",
    "unknown_names",
]
