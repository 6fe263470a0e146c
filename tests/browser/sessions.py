"""Browser windows of users who have logged in before; logging in itself has journeys of its own."""

from __future__ import annotations

import time

from django.conf import settings as deployment
from django.test import Client
from playwright.sync_api import BrowserContext

from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.users import User
from kingsync.web.accounts import recent_password


def log_in(context: BrowserContext, user: User, address: str, *, has_passed: bool = False) -> None:
    """Give the windows of a context the session of a user, who may have passed the two-step verification."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[recent_password.KEY] = time.time()
    session.save()
    if has_passed:
        session = client.session
        session["otp_device_id"] = Authenticator.objects.get(user=user).persistent_id
        session.save()
    value = client.cookies[deployment.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": deployment.SESSION_COOKIE_NAME, "value": value, "url": address}])
