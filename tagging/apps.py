from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate, post_save
from django.utils.module_loading import import_string


class TaggingConfig(AppConfig):
    name = "tagging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        ended = import_string("tagging.services.tokens.end_tokens_with_password")
        post_save.connect(ended, sender=settings.AUTH_USER_MODEL, dispatch_uid="tokens end with the password")
        pin_imports = import_string("costs.selectors.retention.pin_imports")
        pin_imports(import_string("tagging.selectors.closes.pinned_imports"))
        post_migrate.connect(import_string("tagging.services.foundation.lay_foundation"), sender=self)
