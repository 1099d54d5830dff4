"""Files that come in piece by piece."""

from django.conf import settings
from django.db import models

from costs.models.core import BillUpload


class PartialUpload(models.Model):
    """One file on its way in, in pieces that may stop and go on. `offset` bytes of `length` are kept so far.

    It belongs to the user who began it. `upload` is set once it was handed over as a file of an upload, together
    with others; its bytes lie there then.
    """

    ref = models.CharField(max_length=32, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=120)
    length = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)  # what the whole must come to, where its sender said so
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # moved on by every piece
    upload = models.ForeignKey(BillUpload, on_delete=models.CASCADE, null=True, blank=True, related_name="parts")

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=("expires_at",), name="partial_upload_expires"),)

    def __str__(self) -> str:
        return f"{self.name} {self.offset}/{self.length}"
