"""Top layer: settings, URLs, Celery, the import pipeline and pages that join apps."""

from finops_site.celery import app as celery_app

__all__ = ["celery_app"]
