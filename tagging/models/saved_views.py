"""Questions of the explore page that somebody keeps under a name."""

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """A user's own named question. `params` is its query string; without months in it where `months` is set.

    `months` makes it a moving question: the last so many full months, whenever it is opened.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=80)
    params = models.TextField(blank=True)
    months = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="one_saved_view_per_user_and_name"),)

    def __str__(self) -> str:
        return self.name
