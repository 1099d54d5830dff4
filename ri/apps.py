from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import import_string


class RiConfig(AppConfig):
    name = "ri"
    verbose_name = "Commitments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(import_string("ri.services.keep_built_in_book"), sender=self)
        post_migrate.connect(import_string("ri.services.lay_foundation"), sender=self)
