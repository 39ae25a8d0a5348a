"""What comes in about the watchlist. The rules are those of watchlist.csv; here stands what may be chosen."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from lfr_ray.api.http_schemas import Officer, Reason
from lfr_ray.api.middleware import MAX_PICTURE_BYTES
from lfr_ray.match.watchlist_entries import BLUE_LIST, CATEGORIES, TEST
from lfr_ray.strict_yaml import Section

MOST_FACES = 99
A_DATE = r"20[2-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?"
"""Of the moments that are taken, those that a program may choose from."""

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Filled = {"minLength": 1, "pattern": r"^[A-Za-z0-9]"}
Category = Annotated[str, Field(json_schema_extra={"enum": list(CATEGORIES)})]
FaceNumber = Annotated[
    int | None,
    Field(ge=1, le=MOST_FACES, description="Which face, counted from 1, left to right; null: the clear one."),
]


def _moment(pattern: str, **more: Any) -> Any:
    return Field(max_length=40, description="ISO 8601 UTC; a date alone is its first moment.",
                 json_schema_extra={"pattern": pattern}, **more)  # fmt: skip


NOT_A_TEST: dict[str, Any] = {
    "if": {"not": {"properties": {"category": {"const": TEST}}}},
    "then": {
        "properties": {name: Filled for name in ("legal_basis", "image_source", "authorised_by")}
        | {"expires_at": {"pattern": f"^{A_DATE}$"}},
        "required": ["legal_basis", "image_source", "authorised_by", "expires_at"],
    },
}
"""Whoever is no test needs a ground, and an end."""
MINOR: dict[str, Any] = {
    "if": {"properties": {"under_18": {"const": True}}, "required": ["under_18"]},
    "then": {"properties": {"under_18_reason": Filled}, "required": ["under_18_reason"]},
}


NO_VOLUNTEER: dict[str, Any] = {
    "if": {"not": {"properties": {"category": {"const": BLUE_LIST}}}},
    "then": {"properties": {"declared_group": {"maxLength": 0}}},
}
"""Nobody but a volunteer is sorted into a group."""


class EntryRequest(Section):
    """Somebody for the list, with a picture. Fields as in watchlist.csv."""

    model_config = ConfigDict(json_schema_extra={"allOf": [NOT_A_TEST, MINOR, NO_VOLUNTEER]})

    entry_id: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$")
    name: Text = ""
    category: Category
    legal_basis: Text = ""
    image_source: Text = ""
    authorised_by: Text = ""
    expires_at: str = _moment(f"^({A_DATE})?$", default="")
    action: Text = ""
    nominal_id: Text = ""
    rationale: Text = Field(default="", description="Why this person.")
    image_date: str = _moment(f"^({A_DATE})?$", default="")
    priority: int = Field(default=3, ge=1, le=5, description="1 (first) to 5.")
    under_18: bool = False
    under_18_reason: Text = ""
    lawful_holding: Text = ""
    declared_group: Text = Field(default="", description="What a volunteer of the blue list declared of themselves.")
    picture: str = Field(
        min_length=1,
        max_length=MAX_PICTURE_BYTES * 4 // 3 + 4,
        description="The file, base64.",
        json_schema_extra={"format": "byte"},
    )
    face: FaceNumber = None
    same_person: bool = Field(default=False, description="Take it although another entry shows this face: twins.")

    def cells(self) -> dict[str, str]:
        """As a row of watchlist.csv."""
        said = self.model_dump(exclude={"picture", "face", "same_person"})
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in said.items()}


class ApprovalSignature(Section):
    """Whose it is and whether it holds is looked at later."""

    key: str = Field(pattern=r"^[0-9a-f]{16}$")
    at: str = Field(pattern=r"^20[2-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{3})?Z$")
    value: str = Field(pattern=r"^[A-Za-z0-9+/]{86}==$")


class ApprovalRequest(Section):
    """A list as an approver signed it: what `lfr watchlist sign` writes."""

    officer: Officer
    content_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    signature: ApprovalSignature


class EntryChange(Section):
    """What is to be said of an entry from now on; what is left out stays."""

    reason: Reason
    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    action: Text | None = None
    priority: int | None = Field(default=None, ge=1, le=5)
    expires_at: str | None = _moment(f"^{A_DATE}$", default=None, min_length=8)
