"""The files of an import, each on its own way into the charge store."""

from django.db import models

from costs.models.core import BillImport
from costs.terms import FileState, choices_for


class ImportFile(models.Model):
    """One file of an import: who lands it, how far it is, and what was read of it.

    Made anew by every run of the import. `number` is its place in `BillImport.files`.
    """

    bill_import = models.ForeignKey(BillImport, on_delete=models.CASCADE, related_name="landings")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=500)
    state = models.CharField(max_length=16, choices=choices_for(FileState), default=FileState.WAITING.value)
    percent = models.PositiveSmallIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)  # host:pid:token of who lands it
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    handed_out_at = models.DateTimeField(null=True, blank=True)  # when its task went to the queue last
    attempts = models.PositiveSmallIntegerField(default=0)  # that broke off by a passing fault
    retry_at = models.DateTimeField(null=True, blank=True)  # waiting because of one: not before
    workers_lost = models.PositiveSmallIntegerField(default=0)  # that died with it
    error = models.TextField(blank=True)
    landed = models.JSONField(default=dict)  # {"columns": …, "findings": […]}: what the finish needs to know

    class Meta:
        ordering = ("bill_import", "number")
        constraints = (models.UniqueConstraint(fields=("bill_import", "number"), name="one_row_per_file_of_an_import"),)
        indexes = (models.Index(fields=("state", "heartbeat_at"), name="import_file_state_heartbeat"),)

    def __str__(self) -> str:
        return f"{self.name} of import {self.bill_import_id}"
