"""What the intake stores: sources, bills, imports, accounts, resources and the rollups.

Rollup rows carry the import that made them; readers only ever use imports in force
(`costs.selectors.active_imports`). See docs/data-model.md.
"""

from django.conf import settings
from django.db import models

from costs.fields import CostColumns, MoneyField
from costs.terms import BillingFormat, BillState, DeliveryState, ImportState, PlaceKind, choices_for

DEFAULT_LOOK_MINUTES = 5


class BillSource(models.Model):
    """A place bills come from: one payer's export, or one kind of inventory.

    Format and payer are those of its first bill. Of the active sources only one may give a payer's month
    (`costs.services.rivals`).
    """

    name = models.SlugField(max_length=80, unique=True)
    billing_format = models.CharField(max_length=32, choices=choices_for(BillingFormat), blank=True)
    billing_account_id = models.CharField(max_length=255, blank=True)
    # Of FOCUS bills, which are one provider's and one currency's; empty where the format tells neither.
    provider = models.CharField(max_length=255, blank=True)
    billing_currency = models.CharField(max_length=8, blank=True)
    default_currency = models.CharField(max_length=8, blank=True)  # of lines that do not tell theirs
    place = models.CharField(max_length=16, choices=choices_for(PlaceKind), default=PlaceKind.UPLOAD.value)
    location = models.CharField(max_length=500, blank=True)  # a folder's path, or s3://bucket/prefix
    every_minutes = models.PositiveSmallIntegerField(default=DEFAULT_LOOK_MINUTES)
    months_back = models.PositiveSmallIntegerField(null=True, blank=True)  # None: every month that is there
    # Of a part of a file that another source fetches: that one, which decides whether this one is active.
    fetched_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="parts")
    is_active = models.BooleanField(default=True)
    months_asked = models.JSONField(default=list)  # ["2026-05"]: to be imported again at the next look
    last_looked_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)  # None: at once
    looking_until = models.DateTimeField(null=True, blank=True)  # one look at a time
    last_result = models.TextField(blank=True)
    last_error = models.TextField(blank=True)
    last_error_cure = models.TextField(blank=True)
    failures = models.PositiveSmallIntegerField(default=0)  # looks in a row that failed
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Bill(models.Model):
    """One source's month. `import_in_force` is the one pointer every reader follows."""

    source = models.ForeignKey(BillSource, on_delete=models.PROTECT, related_name="bills")
    billing_period = models.DateField()
    state = models.CharField(max_length=16, choices=choices_for(BillState), default=BillState.OPEN.value)
    import_in_force = models.ForeignKey(
        "BillImport", on_delete=models.PROTECT, null=True, blank=True, related_name="bill_in_force"
    )

    class Meta:
        ordering = ("-billing_period", "source_id")
        constraints = (
            models.UniqueConstraint(fields=("source", "billing_period"), name="one_bill_per_source_and_period"),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.billing_period:%Y-%m}"


class BillUpload(models.Model):
    """Files handed in together through a page or the API, before and after their imports."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    idempotency_key = models.CharField(max_length=128, blank=True)
    folder = models.CharField(max_length=500)
    files = models.JSONField(default=list)  # [{"name", "size", "sha256"}]
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "idempotency_key"),
                condition=~models.Q(idempotency_key=""),
                name="one_upload_per_user_and_key",
            ),
        )

    def __str__(self) -> str:
        return ", ".join(file["name"] for file in self.files)


class BillDelivery(models.Model):
    """One version of what lies in one folder of a place, and what became of it. Never deleted.

    `source` is None for what a command brought in by its address; `asked_name` is the source it named.
    """

    source = models.ForeignKey(BillSource, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries")
    asked_name = models.CharField(max_length=80, blank=True)
    address = models.CharField(max_length=500)
    folder = models.CharField(max_length=1024, blank=True)
    billing_period = models.DateField(null=True, blank=True)
    version_id = models.CharField(max_length=64)
    manifest = models.CharField(max_length=1024, blank=True)
    run = models.CharField(max_length=200, blank=True)  # assembly or execution id
    files = models.JSONField(default=list)  # [{"key", "size", "etag", "changed_at"}]
    missing = models.JSONField(default=list)
    state = models.CharField(max_length=16, choices=choices_for(DeliveryState), default=DeliveryState.QUEUED.value)
    problem = models.TextField(blank=True)
    cure = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("source", "folder"), name="delivery_source_folder"),)

    def __str__(self) -> str:
        return f"{self.address} {self.folder} {self.run}".strip()


class BillImport(models.Model):
    """One attempt to bring files in. Never deleted: it is the audit trail of every version."""

    source = models.ForeignKey(BillSource, on_delete=models.PROTECT, related_name="imports")
    upload = models.ForeignKey(BillUpload, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports")
    delivery = models.ForeignKey(BillDelivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports")
    stated_period = models.DateField(null=True, blank=True)  # the month a manifest says the files hold
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    # Known once the files are read; a file with several months makes one import for each.
    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, null=True, blank=True, related_name="imports")
    billing_period = models.DateField(null=True, blank=True)
    split_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="siblings")
    # The delivery whose charges this one rolls up again, with other tracked tags; never another re-roll.
    rerolled_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="rerolls")
    snapshot_on = models.DateField(null=True, blank=True)  # inventories only

    files = models.JSONField(default=list)  # [{"name", "path", "size", "sha256"}]
    version_id = models.CharField(max_length=128, blank=True)
    tracked_tags = models.JSONField(default=list)  # the keys its slices were grouped by
    columns = models.JSONField(default=dict)  # {"read": {field: column}, "absent": [field]}

    state = models.CharField(max_length=16, choices=choices_for(ImportState), default=ImportState.QUEUED.value)
    step = models.CharField(max_length=120, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    files_total = models.PositiveIntegerField(default=0)
    files_done = models.PositiveIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)  # host:pid:token of who runs it
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    handed_out_at = models.DateTimeField(null=True, blank=True)  # when its task went to the queue last
    attempts = models.PositiveSmallIntegerField(default=0)  # that broke off by a passing fault, in a row
    retry_at = models.DateTimeField(null=True, blank=True)  # queued because of one: not before
    workers_lost = models.PositiveSmallIntegerField(default=0)  # that died with it
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0)
    rollups_removed_at = models.DateTimeField(null=True, blank=True)
    charges_removed_at = models.DateTimeField(null=True, blank=True)  # its folder in the charge store is gone

    billing_currency = models.CharField(max_length=8, blank=True)
    billed_cost = MoneyField(default=0)
    effective_cost = MoneyField(default=0)
    list_cost = MoneyField(default=0)
    contracted_cost = MoneyField(default=0)
    unblended_cost = MoneyField(default=0)
    totals_by_category = models.JSONField(default=dict)  # {category: {column: text}}
    findings = models.JSONField(default=list)  # [{"code", "severity", "text", "difference", "lines"}]
    error = models.TextField(blank=True)
    error_detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("state", "heartbeat_at"), name="import_state_heartbeat"),)

    def __str__(self) -> str:
        return f"import {self.pk} of {self.source}"


class BillingAccount(models.Model):
    """A payer."""

    billing_account_id = models.CharField(max_length=255, primary_key=True)
    name = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name or self.billing_account_id


class SubAccount(models.Model):
    """An account that uses services and is paid for by a payer."""

    sub_account_id = models.CharField(max_length=255, primary_key=True)
    name = models.CharField(max_length=200, blank=True)  # as the newest bill in force has it
    display_name = models.CharField(max_length=200, blank=True)  # given by staff; bills never change it
    billing_account_id = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("sub_account_id",)

    def __str__(self) -> str:
        return self.display_name or self.name or self.sub_account_id


class Resource(models.Model):
    """A resource seen in a bill or an inventory. `key` is a hash of account and resource id.

    What was last seen of it may come from any owner's lines: no team may be shown more than its id.
    `ResourceCost` has what a slice's own lines say.
    """

    key = models.BigIntegerField(primary_key=True)
    sub_account_id = models.CharField(max_length=255, blank=True)
    resource_id = models.TextField()
    service_name = models.TextField(blank=True)
    region_id = models.TextField(blank=True)
    resource_type = models.TextField(blank=True)
    instance_type = models.TextField(blank=True)
    name = models.TextField(blank=True, default="")  # the tag Name as last seen
    state = models.CharField(max_length=32, blank=True, db_default="")  # of the newest inventory that has it
    state_on = models.DateField(null=True, blank=True)
    tags = models.JSONField(default=dict)  # as last seen
    first_seen_on = models.DateField(null=True)
    last_seen_on = models.DateField(null=True)

    class Meta:
        ordering = ("resource_id", "sub_account_id")

    def __str__(self) -> str:
        return self.resource_id


class ResourceSnapshot(models.Model):
    """A resource's dated state in an inventory. Kept for ever: measured uptime comes from here."""

    bill_import = models.ForeignKey(BillImport, on_delete=models.PROTECT, related_name="snapshots")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="snapshots")
    snapshot_on = models.DateField()
    state = models.CharField(max_length=32, blank=True)
    hourly_rate = MoneyField(null=True, blank=True)  # type: ignore[misc]
    monthly_rate = MoneyField(null=True, blank=True)  # type: ignore[misc]
    cpu_pct = models.FloatField(null=True, blank=True)
    memory_pct = models.FloatField(null=True, blank=True)
    attributes = models.JSONField(default=dict)
    tags = models.JSONField(default=dict)

    class Meta:
        ordering = ("snapshot_on",)
        indexes = (models.Index(fields=("snapshot_on",), name="snapshot_day"),)

    def __str__(self) -> str:
        return f"{self.resource_id} on {self.snapshot_on}"


class CostSlice(models.Model):
    """One distinct combination of everything allocation rules can see. `key` is a hash of it."""

    key = models.BigIntegerField(primary_key=True)
    billing_account_id = models.TextField(blank=True)
    sub_account_id = models.TextField(blank=True)
    service_name = models.TextField(blank=True)
    region_id = models.TextField(blank=True)
    usage_type = models.TextField(blank=True)
    operation = models.TextField(blank=True)
    charge_category = models.TextField()
    line_kind = models.TextField(blank=True)  # the provider's line item type
    pricing_category = models.TextField(blank=True)
    commitment_discount_status = models.TextField(blank=True)
    is_taggable = models.BooleanField()
    tags = models.JSONField(default=dict)  # tracked keys only, absent keys left out

    def __str__(self) -> str:
        return f"{self.service_name} {self.usage_type} {self.sub_account_id}"


class DailyCost(CostColumns):
    """Import × slice × day. Days outside the month (fees, refunds) stand on its first or last day."""

    bill_import = models.ForeignKey(BillImport, on_delete=models.PROTECT, db_index=False)
    slice = models.ForeignKey(CostSlice, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    charge_date = models.DateField()
    consumed_quantity = models.FloatField()

    class Meta:
        indexes = (models.Index(fields=("bill_import", "slice", "charge_date"), name="daily_import_slice_day"),)

    def __str__(self) -> str:
        return f"{self.slice_id} on {self.charge_date}"


class ResourceCost(CostColumns):
    """Import × resource × slice: the month's costs and usage of one resource.

    `name` (the Name tag) and `resource_type` are the last ones on the lines of this very slice.
    """

    bill_import = models.ForeignKey(BillImport, on_delete=models.PROTECT, db_index=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    slice = models.ForeignKey(CostSlice, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    usage_hours = models.FloatField()
    consumed_quantity = models.FloatField()
    first_charged_on = models.DateField()
    last_charged_on = models.DateField()
    name = models.TextField(blank=True, default="")
    resource_type = models.TextField(blank=True, default="")

    class Meta:
        indexes = (models.Index(fields=("bill_import", "resource"), name="resource_cost_import_resource"),)

    def __str__(self) -> str:
        return f"{self.resource_id} {self.slice_id}"


class VersionTotal(CostColumns):
    """Import × service × sub-account: the month's costs, kept when the rollups of a replaced import go."""

    bill_import = models.ForeignKey(BillImport, on_delete=models.PROTECT, db_index=False)
    service_name = models.TextField(blank=True)
    sub_account_id = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=("bill_import",), name="version_total_import"),)

    def __str__(self) -> str:
        return f"{self.service_name} {self.sub_account_id}"


class UsageDay(models.Model):
    """Import × instance pool × slice × day: hours and normalized units by how they were priced."""

    bill_import = models.ForeignKey(BillImport, on_delete=models.PROTECT, db_index=False)
    slice = models.ForeignKey(CostSlice, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    charge_date = models.DateField()
    sub_account_id = models.TextField(blank=True)
    region_id = models.TextField(blank=True)
    instance_type = models.TextField(blank=True)
    platform = models.TextField(blank=True)
    tenancy = models.TextField(blank=True)
    on_demand_hours = models.FloatField()
    reserved_hours = models.FloatField()
    plan_covered_hours = models.FloatField()
    spot_hours = models.FloatField()
    on_demand_normalized_units = models.FloatField()
    reserved_normalized_units = models.FloatField()
    plan_covered_normalized_units = models.FloatField()
    spot_normalized_units = models.FloatField()
    billed_cost = MoneyField()
    effective_cost = MoneyField()
    list_cost = MoneyField()

    class Meta:
        indexes = (models.Index(fields=("bill_import", "charge_date"), name="usage_day_import_day"),)

    def __str__(self) -> str:
        return f"{self.instance_type} {self.region_id} on {self.charge_date}"
