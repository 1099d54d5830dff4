"""Accounts as bills name them: kept for each import, the newest name in force on the account itself."""

import re

from django.db import transaction

from costs import bulk, charge_store
from costs.charge_store import Connection
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.models import AccountName, BillImport, BillingAccount, SubAccount
from costs.services.finding_cells import refuse_cell

NAME_LIMIT = 200
_SPREADSHEET_NUMBER = re.compile(r"^[0-9](?:[.,][0-9]+)?E\+[0-9]+$", re.IGNORECASE)
_COLUMNS = ("bill_import_id", "billing_account_id", "sub_account_id", "name", "first_seen_on", "last_seen_on")


def store_accounts(duck: Connection, import_pk: int) -> None:
    """Keep the month's accounts and names under the import, which nobody reads yet; make those that are new."""
    found = charge_store.accounts(duck)
    for payer, account, *_ in found:
        _refuse_number(import_pk, payer, account)
    payers = [BillingAccount(billing_account_id=payer) for payer in sorted({row[0] for row in found if row[0]})]
    newest = {account: (name, payer) for payer, account, name, *_ in found}  # the last one seen in the month
    accounts = [
        SubAccount(sub_account_id=account, name=name[:NAME_LIMIT], billing_account_id=payer)
        for account, (name, payer) in sorted(newest.items())
    ]
    with transaction.atomic():
        BillingAccount.objects.bulk_create(payers, ignore_conflicts=True, batch_size=500)
        SubAccount.objects.bulk_create(accounts, ignore_conflicts=True, batch_size=500)
        bulk.copy_rows(AccountName, _COLUMNS, ((import_pk, *row) for row in found))


def refresh_accounts(import_pk: int) -> None:
    """Name and payer of the import's accounts as the newest import in force has them; never the names staff gave.

    An older month that comes in late changes nothing.
    """
    period = BillImport.objects.values_list("billing_period", flat=True).get(pk=import_pk)
    rows = AccountName.objects.filter(
        sub_account_id__in=AccountName.objects.filter(bill_import_id=import_pk).values("sub_account_id"),
        bill_import__bill_in_force__isnull=False,
        last_seen_on__gte=period,
    ).order_by("last_seen_on", "first_seen_on", "bill_import_id", "name")
    names: dict[str, str] = {}
    payers: dict[str, str] = {}
    for account, name, payer in rows.values_list("sub_account_id", "name", "billing_account_id"):
        names[account] = name[:NAME_LIMIT] or names.get(account, "")
        payers[account] = payer or payers.get(account, "")
    changed = []
    for item in SubAccount.objects.in_bulk(list(names)).values():
        known = (item.name, item.billing_account_id)
        item.name = names[item.sub_account_id] or known[0]
        item.billing_account_id = payers[item.sub_account_id] or known[1]
        if (item.name, item.billing_account_id) != known:
            changed.append(item)
    SubAccount.objects.bulk_update(changed, ["name", "billing_account_id"], batch_size=500)


def set_display_name(account_id: str, name: str) -> None:
    """What an account is called on pages, files and in mails, whatever bills call it; empty follows the bills again."""
    text = " ".join(name.split())
    if len(text) > NAME_LIMIT:
        raise InvalidRequestError(f"A name may have {NAME_LIMIT} characters. Shorten it.")
    if not SubAccount.objects.filter(sub_account_id=account_id).update(display_name=text):
        raise NotFoundInScopeError(f"There is no account {account_id}.")


def _refuse_number(import_pk: int, *account_ids: str) -> None:
    """Several accounts would become one: `1.23457E+11` may be any of a million."""
    for account_id in account_ids:
        if _SPREADSHEET_NUMBER.match(account_id):
            refuse_cell(
                import_pk,
                ("billing_account_id", "sub_account_id"),
                account_id,
                problem=f"The account {account_id} was turned into a number, as spreadsheets do.",
                cure="Give the file as it was delivered, not saved from a spreadsheet.",
            )
