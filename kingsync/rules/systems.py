"""The two systems in the tenant file, with defaults and limits."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from kingsync.rules import limits
from kingsync.rules.mapping import MANY, Section

Address = Annotated[str, msgspec.Meta(max_length=limits.ADDRESS)]
Secret = Annotated[str, msgspec.Meta(max_length=limits.SECRET)]
BusyCode = Annotated[str, msgspec.Meta(max_length=limits.BUSY_CODE)]


class OutSmartSection(Section, frozen=True, kw_only=True):
    base_url: Address = ""
    token: Secret = ""
    software_token: Secret = ""
    bearer_token: Secret = ""


class KingSection(Section, frozen=True, kw_only=True):
    base_url: Address = ""
    administration: Annotated[str, msgspec.Meta(max_length=limits.ADMINISTRATION)] = ""
    access_code: Secret = ""
    access_codes: Annotated[dict[str, Secret], MANY] = {}
    verify_tls: bool = True
    ca_certificate: Annotated[str, msgspec.Meta(max_length=limits.CERTIFICATE)] = ""
    busy_codes: Annotated[tuple[BusyCode, ...], MANY] = ("LOCK",)
    sql_timeout: Annotated[int, msgspec.Meta(ge=1, le=limits.SQL_SECONDS)] | None = None
    reader: Literal["webservice", "files"] = "webservice"
