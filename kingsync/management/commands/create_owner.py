"""Give a tenant an owner."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from kingsync.accounts import owners
from kingsync.management.lookup import tenant_of
from kingsync.rules import limits


class Command(BaseCommand):
    help = "Make someone an owner of a tenant; a new account gets a link with which its owner chooses a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", default="", help="the name of a new account")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        tenant = tenant_of(options["slug"])
        email, name = options["email"].strip(), options["name"].strip()
        _require_valid(email, name)
        made = owners.make_owner(tenant, email, name=name)
        if options["json"]:
            fields = {"email": made.user.email, "new_account": made.is_new_account, "link": made.link or None}
            self.stdout.write(json.dumps(fields))
            return
        self.stdout.write(f"{made.user.email} is an owner of {tenant.slug}.")
        if made.link:
            hours = settings.PASSWORD_RESET_TIMEOUT // 3600
            self.stdout.write(f"Pass on this link; it sets the password once, within {hours} hours:\n{made.link}")


def _require_valid(email: str, name: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"“{email}” is no e-mail address.", returncode=2) from None
    if len(email) > limits.EMAIL or len(name) > limits.PERSON_NAME:
        most = f"{limits.EMAIL} characters for the address, {limits.PERSON_NAME} for the name"
        raise CommandError(f"That is too long: at most {most}.", returncode=2)
