"""Exceptions whose text may be shown to a person: what is wrong, where, and the cure."""

from dataclasses import dataclass, field


class FinopsError(Exception):
    """Base of every error that is the user's to see. `str(error)` is one clear sentence or two."""

    code = "error"


class NotFoundInScopeError(FinopsError):
    """What was asked for does not exist, or not for this user; pages and API answer 404 alike."""

    code = "not_found"


class InvalidRequestError(FinopsError):
    """A parameter, form or argument that cannot be used; names it and what would be right."""

    code = "invalid"


class UnreadableStoreError(FinopsError):
    """The store of charges cannot be used or read now. Names places and months: for FinOps staff alone."""

    code = "store"
    FOR_OTHERS = "The lines of bills behind this cannot be read just now. Your FinOps lead can find out why."


@dataclass
class ImportRejectedError(FinopsError):
    """A bill that cannot be put in force. Nothing changed; the month in force stays.

    `problem` says what is wrong, `cure` what to do. `line` counts from 1 with the header as line 1,
    `column` is the name as it stands in the file.
    """

    problem: str
    cure: str
    file_name: str = ""
    line: int | None = None
    column: str = ""
    code: str = field(default="import_rejected", kw_only=True)

    def __str__(self) -> str:
        place = [self.file_name] if self.file_name else []
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.column:
            place.append(f"column {self.column}")
        head = f"{', '.join(place)}: " if place else ""
        return f"{head}{self.problem} {self.cure}".strip()

    def as_dict(self) -> dict[str, str | int | None]:
        """The error in parts, for the API and the stored error report."""
        return {
            "code": self.code,
            "file": self.file_name,
            "line": self.line,
            "column": self.column,
            "problem": self.problem,
            "cure": self.cure,
        }
