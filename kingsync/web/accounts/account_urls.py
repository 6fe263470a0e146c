"""URLs of logging in, one's own account, and the members of a tenant."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import URLPattern, path

from kingsync.web.accounts import (
    account,
    company_data,
    invitation_pages,
    login,
    members_page,
    passkey_pages,
    recent_password,
    sessions_page,
    two_step,
)

PEOPLE = "t/<slug:slug>/people/"
INVITATION = f"{PEOPLE}invitations/<int:invitation_id>/"

urlpatterns: list[URLPattern] = [
    path("login/", login.LoginView.as_view(), name="login"),
    path("login/second-step/", two_step.second_step_page, name="second_step"),
    path("login/second-step/passkey/", passkey_pages.log_in, name="passkey_login"),
    path("login/password/", login.ResetView.as_view(), name="password_reset"),
    path("login/password/sent/", login.ResetDoneView.as_view(), name="password_reset_done"),
    path("login/password/<uidb64>/<token>/", login.ResetConfirmView.as_view(), name="password_reset_confirm"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("account/", account.account, name="account"),
    path("account/email/", account.change_email, name="email_change"),
    path("account/keyboard/", account.change_keys, name="keys_change"),
    path("account/email/<str:sealed>/", account.confirm_email, name="email_confirm"),
    path("account/password/", account.ChangePasswordView.as_view(), name="password_change"),
    path("account/confirm/", recent_password.confirm, name="password_confirm"),
    path("account/sessions/<int:login_id>/end/", sessions_page.end, name="session_end"),
    path("account/sessions/end-others/", sessions_page.end_others, name="sessions_end_others"),
    path("account/two-step/", two_step.two_step, name="two_step"),
    path("account/two-step/set-up/", two_step.enrol, name="two_step_enrol"),
    path("account/two-step/app/remove/", two_step.remove_app, name="two_step_remove_app"),
    path("account/two-step/passkeys/new/", passkey_pages.add, name="passkey_add"),
    path("account/two-step/passkeys/<int:passkey_id>/remove/", passkey_pages.remove, name="passkey_remove"),
    path("account/two-step/codes/", two_step.new_codes, name="two_step_codes"),
    path("account/two-step/remove/", two_step.remove, name="two_step_remove"),
    path("invitation/", invitation_pages.invitation, name="invitation"),
    path("invitation/<str:secret>/", invitation_pages.open_link, name="invitation_link"),
    path(PEOPLE, members_page.people, name="people"),
    path(f"{PEOPLE}invite/", members_page.invite, name="invite"),
    path(f"{PEOPLE}organisation/", members_page.company, name="company"),
    path(f"{PEOPLE}data/", company_data.company_data, name="company_data"),
    path(f"{PEOPLE}data/export/", company_data.company_export, name="company_export"),
    path(f"{PEOPLE}data/delete/", company_data.company_delete, name="company_delete"),
    path(f"{PEOPLE}data/keep/", company_data.company_keep, name="company_keep"),
    path(f"{PEOPLE}<int:membership_id>/role/", members_page.change_role, name="member_role"),
    path(f"{PEOPLE}<int:membership_id>/remove/", members_page.remove_member, name="member_remove"),
    path(f"{INVITATION}again/", members_page.invite_again, name="invite_again"),
    path(f"{INVITATION}withdraw/", members_page.withdraw_invitation, name="invitation_withdraw"),
]
