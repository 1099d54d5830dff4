"""Everything under /api/v1/."""

from django.urls import path

from budgets import api as plans
from costs import api as intake
from finops_site import api_auth, api_metrics, api_partial_uploads, api_programme, api_schema, api_uploads
from finops_site.estate import api as estate
from ri import api as commitments
from tagging import api as ownership

app_name = "api"

urlpatterns = [
    path("costs/", ownership.CostList.as_view(), name="costs"),
    path("lines/", ownership.LineList.as_view(), name="lines"),
    path("allocations/", ownership.AllocationList.as_view(), name="allocations"),
    path("chargeback/", ownership.ChargebackList.as_view(), name="chargeback"),
    path("shares/", ownership.ShareList.as_view(), name="shares"),
    path("pools/", ownership.PoolList.as_view(), name="pools"),
    path("rules/", ownership.RuleList.as_view(), name="rules"),
    path("statements/", ownership.StatementList.as_view(), name="statements"),
    path("statements/<slug:team_key>/", ownership.StatementDetail.as_view(), name="statement"),
    path("closes/", ownership.CloseList.as_view(), name="closes"),
    path("closes/<slug:period>/", ownership.CloseOne.as_view(), name="close"),
    path("closes/<slug:period>/<slug:step>/", ownership.CloseStepOne.as_view(), name="close_step"),
    path("adjustments/", ownership.AdjustmentList.as_view(), name="adjustments"),
    path("ownership-doubts/", ownership.DoubtList.as_view(), name="ownership_doubts"),
    path("ownership-doubts/<int:pk>/answer/", ownership.DoubtAnswer.as_view(), name="ownership_doubt_answer"),
    path("disputes/", ownership.DisputeList.as_view(), name="disputes"),
    path("disputes/<int:pk>/answer/", ownership.DisputeAnswer.as_view(), name="dispute_answer"),
    path("compliance/", ownership.ComplianceByKey.as_view(), name="compliance"),
    path("compliance/groups/", ownership.ComplianceByGroup.as_view(), name="compliance_groups"),
    path("compliance/trend/", ownership.ComplianceTrend.as_view(), name="compliance_trend"),
    path("tag-findings/", ownership.TagFindingList.as_view(), name="tag_findings"),
    path("tag-suggestions/", ownership.SuggestionList.as_view(), name="tag_suggestions"),
    path("tag-suggestions/decide/", ownership.SuggestionDecision.as_view(), name="tag_suggestions_decide"),
    path("tag-policy/", ownership.TagPolicyList.as_view(), name="tag_policy"),
    path("resources/", ownership.ResourceList.as_view(), name="resources"),
    path("findings/", ownership.FindingList.as_view(), name="findings"),
    path("findings/<slug:finding_ref>/", ownership.FindingOne.as_view(), name="finding"),
    path("findings/<slug:finding_ref>/state/", ownership.FindingDecision.as_view(), name="finding_state"),
    path("budgets/", plans.BudgetCollection.as_view(), name="budgets"),
    path("budgets/<slug:budget_key>/", plans.BudgetOne.as_view(), name="budget"),
    path("alerts/", plans.AlertList.as_view(), name="alerts"),
    path("alerts/<slug:alert_ref>/acknowledge/", plans.AlertAcknowledge.as_view(), name="alert_acknowledge"),
    path("commitments/recommendations/", commitments.RecommendationList.as_view(), name="recommendations"),
    path("commitments/coverage/", commitments.CoverageList.as_view(), name="commitment_coverage"),
    path("commitments/price-books/", commitments.PriceBookList.as_view(), name="price_books"),
    path("metrics/", api_metrics.MetricList.as_view(), name="metrics"),
    path("programme/", api_programme.ProgrammeOne.as_view(), name="programme"),
    path("imports/", intake.ImportList.as_view(), name="imports"),
    path("imports/<int:pk>/", intake.ImportOne.as_view(), name="import"),
    path("imports/<int:pk>/cancel/", intake.ImportCancel.as_view(), name="import_cancel"),
    path("imports/<int:pk>/errors/", intake.ImportErrors.as_view(), name="import_errors"),
    path("sources/", intake.SourceList.as_view(), name="sources"),
    path("sources/<slug:source>/deliveries/", intake.DeliveryList.as_view(), name="deliveries"),
    path("estate/accounts/", estate.AccountList.as_view(), name="estate_accounts"),
    path("estate/account/", estate.AccountOne.as_view(), name="estate_account"),
    path("estate/resources/", estate.ResourceList.as_view(), name="estate_resources"),
    path("estate/resources/<int:resource_key>/", estate.ResourceOne.as_view(), name="estate_resource"),
    path("uploads/", api_uploads.UploadBill.as_view(), name="uploads"),
    path("uploads/files/", api_partial_uploads.PartialUploads.as_view(), name="partial_uploads"),
    path("uploads/files/<slug:upload_ref>/", api_partial_uploads.PartialUploadOne.as_view(), name="partial_upload"),
    path("uploads/finish/", api_partial_uploads.FinishUpload.as_view(), name="upload_finish"),
    path("auth/login/", api_auth.LoginView.as_view(), name="login"),
    path("auth/logout/", api_auth.LogoutView.as_view(), name="logout"),
    path("auth/logoutall/", api_auth.LogoutAllView.as_view(), name="logout_all"),
    path("schema/", api_schema.schema, name="schema"),
    path("docs/", api_schema.docs, name="docs"),
]
