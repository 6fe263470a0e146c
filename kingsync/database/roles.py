"""The roles under which a session works after its login. Row-level security binds both, unlike the tables' owner."""

from __future__ import annotations

from dataclasses import dataclass

from kingsync.database import visible

# Names the tenant to the policies: a number, empty for none, or `ALL`.
SETTING = "kingsync.tenant"
# One statement for both: a session never has the role without the tenant.
TAKE = f"SELECT set_config('role', %s, false), set_config('{SETTING}', %s, false)"
ALL, OWNER = "all", "none"


@dataclass(frozen=True)
class Roles:
    """`tenant` sees the rows of the tenant that the setting names, `across` those of all tenants.

    Named after the login: on a server with several installations each has its own.
    """

    tenant: str
    across: str

    @classmethod
    def of_login(cls, user: str) -> Roles:
        name = user or "kingsync"
        return cls(f"{name}_tenant", f"{name}_across")

    def parameters(self, whose: int) -> list[str]:
        """Return the parameters of `TAKE` that make the rows of a tenant, of none or of all visible."""
        if whose == visible.OF_ALL:
            return [self.across, ALL]
        return [self.tenant, "" if whose == visible.OF_NONE else str(whose)]
