"""What every endpoint shares: scope, parameters, pages, formats and validators. Knows no team and no bill."""

from costs.api_base.bodies import body_of
from costs.api_base.fields import CurrencyText, MoneyText, PageSerializer, PairsField, PeriodText, RatioNumber, last
from costs.api_base.formats import CsvRenderer, CsvTable
from costs.api_base.paging import Answer, Key, Page, cursor_at, page_of, place_of
from costs.api_base.parameters import PAGING, ParameterError, Parameters, choice, month, parameters_of, text
from costs.api_base.views import DocumentView, ListView, ScopedView, api_scope, last_modified_tag

__all__ = [
    "PAGING",
    "Answer",
    "CsvRenderer",
    "CsvTable",
    "CurrencyText",
    "DocumentView",
    "Key",
    "ListView",
    "MoneyText",
    "Page",
    "PageSerializer",
    "PairsField",
    "ParameterError",
    "Parameters",
    "PeriodText",
    "RatioNumber",
    "ScopedView",
    "api_scope",
    "body_of",
    "choice",
    "cursor_at",
    "last",
    "last_modified_tag",
    "month",
    "page_of",
    "parameters_of",
    "place_of",
    "text",
]
