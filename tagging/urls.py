"""Addresses of ownership pages, sorted by path."""

from django.urls import path

from tagging.views.center_shares import center_shares
from tagging.views.chargeback import chargeback, statement
from tagging.views.closes import close, close_journal, close_step
from tagging.views.compliance import tags
from tagging.views.disputes import dispute_answer, dispute_new, disputes
from tagging.views.doubts import doubt_decline, doubt_new, doubt_rule
from tagging.views.exemptions import (
    exemption_end,
    exemptions,
    notes,
    tag_trend,
    untaggable_add,
    untaggable_remove,
)
from tagging.views.explore import explore
from tagging.views.finance import finance
from tagging.views.findings import finding, finding_state, findings
from tagging.views.lines import lines
from tagging.views.people import people, person_change, person_new, person_password
from tagging.views.pool_policies import benefit_policy, charge_policy, driver_upload
from tagging.views.pools import pool_drop, pool_edit, pool_month, pool_new, pool_switch_off, pools
from tagging.views.resources import resources
from tagging.views.rules import rule_edit, rule_new, rule_step, rules
from tagging.views.saved_views import saved_view, saved_view_new, saved_view_remove, saved_view_rename
from tagging.views.setup import setup
from tagging.views.statement_files import statement_pdf
from tagging.views.suggestions import (
    suggestions,
    suggestions_decide,
    suggestions_export,
    virtual_tag_end,
    virtual_tags,
)
from tagging.views.tag_findings import fixes, fixes_export, tag_findings
from tagging.views.tag_policy import (
    tag_key_edit,
    tag_key_new,
    tag_key_remove,
    tag_policy,
    tag_policy_export,
    tag_policy_import,
)
from tagging.views.teams import member_remove, member_set, team_edit, team_new, teams
from tagging.views.tokens import tokens
from tagging.views.view_as import view_as_start, view_as_stop
from tagging.views.why import pool_why, why

app_name = "tagging"

urlpatterns = [
    path("chargeback/", chargeback, name="chargeback"),
    path("chargeback/shares/", center_shares, name="center_shares"),
    path("close/", close, name="close"),
    path("close/<slug:period>/journal/", close_journal, name="close_journal"),
    path("close/<slug:period>/<slug:step>/", close_step, name="close_step"),
    path("disputes/", disputes, name="disputes"),
    path("doubts/<int:pk>/decline/", doubt_decline, name="doubt_decline"),
    path("doubts/<int:pk>/rule/", doubt_rule, name="doubt_rule"),
    path("disputes/<int:pk>/answer/", dispute_answer, name="dispute_answer"),
    path("finance/", finance, name="finance"),
    path("explore/", explore, name="explore"),
    path("explore/views/", saved_view_new, name="saved_view_new"),
    path("explore/views/<int:pk>/", saved_view, name="saved_view"),
    path("explore/views/<int:pk>/rename/", saved_view_rename, name="saved_view_rename"),
    path("explore/views/<int:pk>/remove/", saved_view_remove, name="saved_view_remove"),
    path("findings/", findings, name="findings"),
    path("findings/<slug:finding_ref>/", finding, name="finding"),
    path("findings/<slug:finding_ref>/state/", finding_state, name="finding_state"),
    path("lines/", lines, name="lines"),
    path("people/", people, name="people"),
    path("people/new/", person_new, name="person_new"),
    path("people/<int:pk>/change/", person_change, name="person_change"),
    path("people/<int:pk>/password/", person_password, name="person_password"),
    path("new-pool/", pool_new, name="pool_new"),
    path("pool-policies/benefit/", benefit_policy, name="benefit_policy"),
    path("pool-policies/charges/", charge_policy, name="charge_policy"),
    path("pool-policies/drivers/", driver_upload, name="driver_upload"),
    path("pools/", pools, name="pools"),
    path("pools/<slug:key>/", pool_month, name="pool_month"),
    path("pools/<slug:key>/drop/<slug:period>/", pool_drop, name="pool_drop"),
    path("pools/<slug:key>/edit/", pool_edit, name="pool_edit"),
    path("pools/<slug:key>/off/", pool_switch_off, name="pool_switch_off"),
    path("pools/<slug:key>/why/", pool_why, name="pool_why"),
    path("resources/", resources, name="resources"),
    path("rules/", rules, name="rules"),
    path("rules/new/", rule_new, name="rule_new"),
    path("rules/<int:pk>/", rule_edit, name="rule_edit"),
    path("rules/<int:pk>/step/", rule_step, name="rule_step"),
    path("setup/", setup, name="setup"),
    path("statements/<slug:team_key>/", statement, name="statement"),
    path("statements/<slug:team_key>/dispute/", dispute_new, name="dispute_new"),
    path("statements/<slug:team_key>/pdf/", statement_pdf, name="statement_pdf"),
    path("tags/", tags, name="tags"),
    path("tags/exemptions/", exemptions, name="exemptions"),
    path("tags/exemptions/<int:pk>/end/", exemption_end, name="exemption_end"),
    path("tags/findings/", tag_findings, name="tag_findings"),
    path("tags/fixes/", fixes, name="fixes"),
    path("tags/fixes/export/", fixes_export, name="fixes_export"),
    path("tags/note/", notes, name="notes"),
    path("tags/policy/", tag_policy, name="tag_policy"),
    path("tags/policy/export/", tag_policy_export, name="tag_policy_export"),
    path("tags/policy/import/", tag_policy_import, name="tag_policy_import"),
    path("tags/policy/new/", tag_key_new, name="tag_key_new"),
    path("tags/policy/<int:pk>/", tag_key_edit, name="tag_key_edit"),
    path("tags/policy/<int:pk>/remove/", tag_key_remove, name="tag_key_remove"),
    path("tags/suggestions/", suggestions, name="suggestions"),
    path("tags/suggestions/decide/", suggestions_decide, name="suggestions_decide"),
    path("tags/suggestions/export/", suggestions_export, name="suggestions_export"),
    path("tags/trend/", tag_trend, name="tag_trend"),
    path("tags/untaggable/", untaggable_add, name="untaggable_add"),
    path("tags/untaggable/<int:pk>/remove/", untaggable_remove, name="untaggable_remove"),
    path("tags/virtual/", virtual_tags, name="virtual_tags"),
    path("tags/virtual/<int:pk>/end/", virtual_tag_end, name="virtual_tag_end"),
    path("teams/", teams, name="teams"),
    path("new-team/", team_new, name="team_new"),
    path("teams/<slug:team_key>/edit/", team_edit, name="team_edit"),
    path("teams/<slug:team_key>/members/", member_set, name="member_set"),
    path("teams/<slug:team_key>/members/remove/", member_remove, name="member_remove"),
    path("tokens/", tokens, name="tokens"),
    path("view-as/stop/", view_as_stop, name="view_as_stop"),
    path("view-as/<int:pk>/", view_as_start, name="view_as_start"),
    path("why/", why, name="why_nobody"),
    path("why/<slug:team_key>/", why, name="why"),
    path("why/<slug:team_key>/doubt/", doubt_new, name="doubt_new"),
]
