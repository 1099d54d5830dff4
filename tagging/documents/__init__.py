"""A statement as a document: its content as plain values, and the PDF made of it."""

from tagging.documents.content import DocumentGroup, DocumentLine, StatementDocument, TieOut, content_of
from tagging.documents.pdf import DocumentError, pdf_of

__all__ = [
    "DocumentError",
    "DocumentGroup",
    "DocumentLine",
    "StatementDocument",
    "TieOut",
    "content_of",
    "pdf_of",
]
