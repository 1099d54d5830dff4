"""The FinOps lead's upkeep: teams, members, people, policy, exemptions, rules; notes and view as, read only."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import JSONField, Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging import admin_closes, admin_pools, admin_suggestions
from tagging.conditions import parse_condition
from tagging.models import (
    AllocationRule,
    Exemption,
    Membership,
    TagKey,
    Team,
    TeamNote,
    UntaggableCharge,
    ViewAs,
)
from tagging.owners import kind_of
from tagging.selectors import team_by_key
from tagging.selectors.inactive import still_given
from tagging.services import RuleInput, check_rule, check_stored_key, reallocate, save_rule
from tagging.terms import FINOPS_GROUP, OwnerKind, RuleKind

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Inline = admin.TabularInline[Any, Any]
    _People = UserAdmin[User]
else:
    _Admin = SimpleHistoryAdmin
    _Inline = admin.TabularInline
    _People = UserAdmin


class TextOfJson(forms.JSONField):
    """JSON whose text can always be shown again: half of a letter stays the escape it was written as."""

    def prepare_value(self, value: Any) -> Any:
        text = super().prepare_value(value)
        return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


class ReallocatingAdmin(_Admin):
    """Every change re-allocates the months in force, in the transaction of the admin's own page."""

    formfield_overrides = {JSONField: {"form_class": TextOfJson}}

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        reallocate()

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        reallocate()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        reallocate()


class NeverDeletedMixin:
    """Figures of past months refer to it: it is taken out of use, not deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False


class MembershipInline(_Inline):
    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(NeverDeletedMixin, ReallocatingAdmin):
    list_display = ("name", "key", "cost_center", "parent", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("parent",)
    search_fields = ("name", "key", "cost_center")
    prepopulated_fields = {"key": ("name",)}
    inlines = (MembershipInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """A key never changes once it is made."""
        return ("key",) if obj is not None else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> dict[str, Any]:
        return {} if obj is not None else dict(self.prepopulated_fields)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Other forms offer teams in use; what is chosen already stays."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if request.path == reverse("admin:autocomplete"):
            found = found.filter(is_active=True)
        return found, may_repeat

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        assert isinstance(obj, Team)
        if change and not obj.is_active and "is_active" in form.changed_data:
            given = still_given(Scope.all(), team_by_key(Scope.all(), obj.key))
            if given.has_any:
                self.message_user(request, given.text, messages.WARNING)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form = super().get_form(request, obj, change=change, **kwargs)
        parent = form.base_fields.get("parent")
        if isinstance(parent, forms.ModelChoiceField) and obj is not None:
            parent.queryset = Team.objects.exclude(pk__in=_with_all_below(obj))
        return form


@admin.register(Membership)
class MembershipAdmin(_Admin):
    list_display = ("user", "team", "role")
    list_filter = ("team", "role")
    list_select_related = ("user", "team")
    search_fields = ("user__username", "user__email", "team__name")
    autocomplete_fields = ("user", "team")


class TagKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checked as the policy's own page checks it. Lists left empty are empty lists."""

    class Meta:
        model = TagKey
        exclude = ()  # noqa: DJ006 - the admin leaves nothing out

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("key_aliases", "allowed_values", "resource_types", "team_keys", "enforced_for"):
            if name in data and data[name] is None:
                data[name] = []
        for name in ("from_period", "to_period"):
            if data.get(name) and data[name].day != 1:
                self.add_error(name, "Give the first day of a month.")
        if not self.errors:
            try:
                check_stored_key({**data, "pk": self.instance.pk})
            except InvalidRequestError as error:
                self.add_error(None, str(error))
        return data


@admin.register(TagKey)
class TagKeyAdmin(ReallocatingAdmin):
    form = TagKeyForm
    list_display = ("key", "position", "is_required", "is_tracked", "value_kind")
    list_filter = ("is_required", "is_tracked")
    search_fields = ("key",)


@admin.register(Exemption)
class ExemptionAdmin(_Admin):
    list_display = ("__str__", "reason", "since", "until", "team", "author")
    list_filter = ("team",)
    list_select_related = ("team", "author")
    search_fields = ("resource", "sub_account_id", "service_name", "reason")
    autocomplete_fields = ("team",)
    readonly_fields = ("author", "created_at")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if not change:
            obj.author, obj.created_at = request.user, timezone.now()  # type: ignore[attr-defined]  # noqa: TID251 - an entry point
        super().save_model(request, obj, form, change)


@admin.register(UntaggableCharge)
class UntaggableChargeAdmin(_Admin):
    list_display = ("service_name", "usage_type", "reason", "author")
    search_fields = ("service_name", "usage_type", "reason")
    readonly_fields = ("author",)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if not change:
            obj.author = request.user  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)


@admin.register(TeamNote)
class TeamNoteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("week", "team", "kind", "address", "state", "sent_at", "error")
    list_filter = ("state", "kind")
    list_select_related = ("team",)
    date_hierarchy = "week"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AllocationRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule needs what its kind matches."""

    class Meta:
        model = AllocationRule
        exclude = ("replaces",)  # noqa: DJ006 - all but what services keep

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._check_reason(data)
        kind, values = data.get("kind"), data.get("tag_values")
        is_list = isinstance(values, list) and all(isinstance(value, str) and value.strip() for value in values)
        if kind == "tag" and not (data.get("tag_key") and values and is_list):
            self.add_error("tag_values", 'A tag rule needs a key and a list of values, like ["Search", "search-team"].')
        if kind == "account" and not data.get("sub_account_id"):
            self.add_error("sub_account_id", "An account rule needs an account number.")
        if kind == "name" and not (values and is_list):
            self.add_error("tag_values", 'A name rule needs a list of patterns, like ["web-*"].')
        if kind == "condition":
            self._check_condition(data.get("condition"))
        if data.get("team") and data.get("target"):
            self.add_error("target", "Choose a team or a pool or cost centre, not both.")
        if (target := data.get("target")) and kind_of(target) not in (OwnerKind.POOL, OwnerKind.COST_CENTER):
            self.add_error("target", "Write pool:KEY or cost-center:NAME; a team is chosen above.")
        for name in ("from_period", "to_period"):
            if data.get(name) and data[name].day != 1:
                self.add_error(name, "Give the first day of a month.")
        self._check_as_the_page_does()
        return data

    def _check_as_the_page_does(self) -> None:
        if self.errors or self.is_about_its_place:
            return
        try:
            check_rule(self.as_input(), pk=self.instance.pk)
        except InvalidRequestError as error:
            self.add_error(None, str(error))

    @property
    def is_about_its_place(self) -> bool:
        """Whether a rule that is there is only moved or called otherwise, which holds for all its months."""
        return self.instance.pk is not None and set(self.changed_data) <= {"name", "position", "reason"}

    def as_input(self) -> RuleInput:
        """The rule that a valid form describes."""
        data = self.cleaned_data
        months = (BillingPeriod.of(day) if day else None for day in (data.get("from_period"), data.get("to_period")))
        begin, end = months
        return RuleInput(
            kind=RuleKind(data["kind"]),
            name=data["name"],
            tag_key=data.get("tag_key") or "",
            tag_values=tuple(data.get("tag_values") or ()),
            sub_account_id=data.get("sub_account_id") or "",
            team_key=data["team"].key if data.get("team") else data.get("target") or "",
            from_period=begin,
            to_period=end,
            is_active=data["is_active"],
            reason=data["reason"],
            condition=data.get("condition") or {},
            charge_kind=data.get("charge_kind") or "",
        )

    def _check_reason(self, data: dict[str, Any]) -> None:
        """Each change has its own; that of the change before stands in the form."""
        if not (data.get("reason") or "").strip():
            self.add_error("reason", "Say why. It stays with the rule and in its history.")
        elif self.instance.pk and self.changed_data and "reason" not in self.changed_data:
            self.add_error("reason", "This is why it was changed before. Say why you change it now.")

    def _check_condition(self, tree: Any) -> None:
        try:
            parse_condition(tree)
        except InvalidRequestError as error:
            self.add_error("condition", str(error))


@admin.register(AllocationRule)
class AllocationRuleAdmin(NeverDeletedMixin, ReallocatingAdmin):
    form = AllocationRuleForm
    list_display = ("position", "name", "kind", "tag_key", "sub_account_id", "team", "target", "is_active")
    list_display_links = ("name",)
    list_filter = ("kind", "is_active", "team")
    list_select_related = ("team",)
    search_fields = ("name", "tag_key", "sub_account_id")
    autocomplete_fields = ("team",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """What kind of charge a rule was made for never changes."""
        return ("charge_kind",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """As the page of rules keeps it: a rule that held in closed months ends there, and another row follows it."""
        assert isinstance(obj, AllocationRule)
        if form.is_about_its_place:
            super().save_model(request, obj, form, change)
            return
        obj.pk = save_rule(form.as_input(), pk=obj.pk, position=obj.position)


@admin.register(ViewAs)
class ViewAsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("staff", "viewed", "started_at", "ended_at")
    list_select_related = ("staff", "viewed")
    date_hierarchy = "started_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


# Kept in a module of their own; registered by being imported.
__all__ = ["admin_closes", "admin_pools", "admin_suggestions"]

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(_People):
    """Accounts, without a way up: who is no superuser neither sees superusers nor grants permissions."""

    list_display = ("username", "email", "first_name", "last_name", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("groups",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or getattr(request.user, "is_superuser", False):
            return super().get_fieldsets(request, obj)
        return (
            (None, {"fields": ("username", "password")}),
            ("Person", {"fields": ("first_name", "last_name", "email")}),
            ("Access", {"fields": ("is_active", "groups")}),
            ("Dates", {"fields": ("last_login", "date_joined")}),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people = super().get_queryset(request)
        return people if getattr(request.user, "is_superuser", False) else people.filter(is_superuser=False)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups" and not getattr(request.user, "is_superuser", False):
            kwargs["queryset"] = Group.objects.filter(name=FINOPS_GROUP)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def _with_all_below(team: Team) -> set[int]:
    found, grew = {team.pk}, True
    while grew:
        below = set(Team.objects.filter(parent_id__in=found).values_list("pk", flat=True)) - found
        found |= below
        grew = bool(below)
    return found
