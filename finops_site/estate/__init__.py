"""Accounts and resources for FinOps staff: pages and API. Joins the intake with findings, so it lives above both."""
