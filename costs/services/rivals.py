"""One active source per payer and month: a second one would count every cost twice.

A FOCUS file may hold several bills of one account, one for each provider and currency: those are no rivals of each
other. A Cost and Usage Report tells neither apart, so it is a rival of all of them.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from django.db.models import Q

from costs.errors import ImportRejectedError
from costs.models import Bill, BillDelivery, BillImport, BillSource
from costs.periods import BillingPeriod
from costs.terms import BillingFormat, ImportState

SECOND_SOURCE = "second_source"
_SPELLINGS = {
    "aws": ("aws", "amazon"),
    "microsoft": ("azure", "microsoft"),
    "google": ("google", "gcp"),
    "oracle": ("oracle", "oci"),
    "alibaba": ("alibaba", "aliyun"),
    "ibm": ("ibm", "softlayer"),
}
# What companies have after their name, and providers write or leave out.
_LEGAL = frozenset({"inc", "incorporated", "ltd", "limited", "llc", "corp", "corporation", "gmbh", "ag", "sa", "co"})
_NEWEST = 5  # imports of a source: all parts of a file are queued at once
_NEAR, _SHORTEST = 0.85, 4  # likeness of two names that may be one; a beginning of so many letters


def refuse_second_source(item: BillImport, period: BillingPeriod) -> None:
    """Refuse a month whose payer's bill is in force from another active source; the error explains the choice."""
    source = item.source
    for bill in _rivals(item, period):
        if not bill.source.is_active:
            continue
        raise ImportRejectedError(
            f"{period.label} of payer {source.billing_account_id} is in force from the source {bill.source.name}, and"
            " would count twice.",
            f"Choose one: to keep {bill.source.name}, deactivate {source.name}; to change over, deactivate"
            f" {bill.source.name} under Imports, then import this again: it takes the month over.",
            code=SECOND_SOURCE,
        )


def refuse_second_folder(item: BillImport, period: BillingPeriod) -> None:
    """Refuse a month that another folder of the same place gave in the same look: each would replace the other.

    Of folders without manifests nobody can tell whether they are parts of a month or versions of it. The folder found
    first counts, or the one in force already: two workers may have landed both at once.
    """
    mine = item.delivery
    if mine is None or mine.manifest or BillingFormat(item.source.billing_format).is_inventory:
        return
    beside = BillDelivery.objects.filter(
        found_at=mine.found_at, source=mine.source_id, asked_name=mine.asked_name, address=mine.address, manifest=""
    ).exclude(folder=mine.folder)
    others = BillImport.objects.filter(delivery__in=beside, source=item.source, billing_period=period.start)
    others = others.filter(Q(delivery__lt=mine.pk) | Q(state=ImportState.IN_FORCE.value))
    gone = [state.value for state in (ImportState.FAILED, ImportState.CANCELLED, ImportState.REPLACED)]
    folder = others.exclude(state__in=gone).order_by("pk").values_list("delivery__folder", flat=True).first()
    if folder is None:
        return
    raise ImportRejectedError(
        f"{period.label} of {item.source.name} comes from the folder {folder or '.'} and from {mine.folder or '.'}; the"
        f" former counts, since one would replace the other.",
        "If they are parts of one month, give all their files together, or put them into one folder. If one is an older"
        " version, take it away.",
    )


def lock_with_rivals(item: BillImport) -> list[Bill]:
    """The import's bill and the bills of its rivals, locked in one order until the transaction ends."""
    assert item.billing_period is not None
    period = BillingPeriod(item.billing_period)
    assert item.bill_id is not None
    wanted = [item.bill_id, *(bill.pk for bill in _rivals(item, period))]
    return list(Bill.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk"))


def take_over(item: BillImport) -> None:
    """Take the month out of force at sources that are no longer active. Raises ImportRejectedError for active ones."""
    assert item.billing_period is not None
    period = BillingPeriod(item.billing_period)
    refuse_second_source(item, period)
    for bill in _rivals(item, period):
        BillImport.objects.filter(bill_in_force=bill).update(state=ImportState.REPLACED.value)
        Bill.objects.filter(pk=bill.pk).update(import_in_force=None)


def _rivals(item: BillImport, period: BillingPeriod) -> Sequence[Bill]:
    """Bills with the same costs in force from other sources. Inventories and unknown payers have none.

    Parts of one file are no rivals, however alike their providers are spelled: no line is in two of them.
    """
    source = item.source
    if not source.billing_account_id or BillingFormat(source.billing_format).is_inventory:
        return []
    same = Bill.objects.filter(
        billing_period=period.start,
        source__billing_account_id=source.billing_account_id,
        import_in_force__isnull=False,
    ).exclude(source=source)
    inventories = [value.value for value in BillingFormat if value.is_inventory]
    found = same.exclude(source__billing_format__in=inventories).select_related("source").order_by("pk")
    return [bill for bill in found if not _are_parts(source, bill.source) and not _share_files(item, bill.source)]


def _share_files(item: BillImport, other: BillSource) -> bool:
    """Whether the other source has a part of the very files this import has a part of."""
    digests = _digests(item)
    newest = BillImport.objects.filter(source=other).order_by("-pk")[:_NEWEST] if digests else ()
    return any(digests & _digests(each) for each in newest)


def _digests(item: BillImport) -> set[str]:
    """The checksums of the files an import has only a part of."""
    return {file["sha256"] for file in item.files if file.get("part")}


def _are_parts(one: BillSource, other: BillSource) -> bool:
    """Whether two sources of one account give different parts of its costs: both known, and not the same."""
    providers, currencies = (
        {_cloud(one.provider), _cloud(other.provider)},
        {one.billing_currency, other.billing_currency},
    )
    return any("" not in values and len(values) > 1 for values in (providers, currencies))


def near_providers(source: BillSource, period: BillingPeriod) -> list[str]:
    """Active sources of the account whose provider is another one by name, and may be the same.

    Both count: to tell them apart for certain is a person's task.
    """
    if not source.provider or not source.billing_account_id:
        return []
    beside = Bill.objects.filter(
        billing_period=period.start,
        source__billing_account_id=source.billing_account_id,
        source__billing_currency=source.billing_currency,
        source__is_active=True,
        import_in_force__isnull=False,
    ).exclude(source=source)
    mine = _cloud(source.provider)
    found = beside.exclude(source__provider="").values_list("source__provider", "source__name").order_by("source__name")
    return [name for provider, name in found if _are_near(mine, _cloud(provider))]


def _are_near(one: str, other: str) -> bool:
    if one == other:
        return False  # the same: refused, not told
    short, long = sorted((one, other), key=len)
    is_beginning = len(short) >= _SHORTEST and long.startswith(short)
    return is_beginning or SequenceMatcher(None, one, other).ratio() >= _NEAR


def _cloud(provider: str) -> str:
    """A provider under one name: exports of different versions spell them differently.

    The large clouds are known by a word of theirs; of others case, blanks, punctuation and legal forms fall away.
    """
    words = re.sub(r"[\W_]+", " ", provider.casefold()).split()
    for cloud, spellings in _SPELLINGS.items():
        if any(word in words for word in spellings):
            return cloud
    kept = [word for word in words if word not in _LEGAL] or words
    return "".join(kept)
