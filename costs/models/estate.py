"""Accounts over time: what each import calls them."""

from django.db import models

from costs.models.core import BillImport


class AccountName(models.Model):
    """Import × account × name: the days of the month on which the account stood under this name and payer.

    Empty names too: the rows also say when an account was seen at all. They go with the import's rollups and come
    back with it, so history follows the imports in force.
    """

    bill_import = models.ForeignKey(BillImport, on_delete=models.PROTECT, db_index=False, related_name="account_names")
    sub_account_id = models.TextField()
    billing_account_id = models.TextField(blank=True)
    name = models.TextField(blank=True)
    first_seen_on = models.DateField()
    last_seen_on = models.DateField()

    class Meta:
        indexes = (
            models.Index(fields=("bill_import", "sub_account_id"), name="account_name_import"),
            models.Index(fields=("sub_account_id", "last_seen_on"), name="account_name_account"),
        )

    def __str__(self) -> str:
        return f"{self.sub_account_id} {self.name}".strip()
