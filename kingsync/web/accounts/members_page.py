"""The users page of a tenant: members, invitations, and settings for all of them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kingsync.accounts import invitations, members
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.web.accounts import limits_text, throttle, tries
from kingsync.web.accounts.member_forms import CompanyForm, InviteForm, RoleForm
from kingsync.web.shared import access


@require_safe
@access.members
def people(request: access.TenantRequest) -> HttpResponse:
    """Show the tenant's members; owners get the forms to change them, with the role that the address names."""
    role = request.GET.get("role")
    return _page(request, invite_form=InviteForm(initial={"role": role if role in Role.values else Role.VIEWER}))


@require_POST
@access.owners
def change_role(request: access.TenantRequest, membership_id: int) -> HttpResponse:
    """Give a member another role; an owner who gives up their own is asked to confirm."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422)
    role = Role(form.cleaned_data["role"])
    membership = _membership(request, membership_id)
    gives_up = membership.user_id == request.user.pk and membership.role == Role.OWNER != role
    if gives_up and "sure" not in request.POST:
        return _ask(request, membership, role)
    try:
        members.change_role(request.tenant, membership_id, role)
    except members.LastOwnerError:
        return _needs_an_owner(request)
    said = _("%(name)s now has the role “%(role)s”.") % {"name": _name(membership), "role": role.label}
    messages.success(request, said)
    return _back(request)


@require_POST
@access.owners
def remove_member(request: access.TenantRequest, membership_id: int) -> HttpResponse:
    """Remove a member, after confirmation."""
    membership = _membership(request, membership_id)
    if "sure" not in request.POST:
        return _ask(request, membership)
    try:
        members.remove(request.tenant, membership_id)
    except members.LastOwnerError:
        return _needs_an_owner(request)
    said = _("The access of %(name)s to %(tenant)s has been removed.")
    messages.success(request, said % {"name": _name(membership), "tenant": request.tenant.name})
    is_outside = membership.user_id == request.user.pk and not request.user.is_superuser
    return redirect("home") if is_outside else _back(request)


@require_POST
@access.owners
def invite(request: access.TenantRequest) -> HttpResponse:
    """E-mail an invitation to join."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, invite_form=form, status=422)
    email = form.cleaned_data["email"]
    try:
        recorded = throttle.record_try(*tries.of_invitation(request.tenant))
    except throttle.TooManyTriesError as error:
        form.add_error("email", limits_text.too_many_invitations(error))
        return _page(request, invite_form=form, status=422)
    try:
        invitations.invite(request.tenant, email=email, role=Role(form.cleaned_data["role"]), by=request.user)
    except invitations.AlreadyMemberError:
        throttle.forgive(recorded)
        form.add_error("email", _("There is already a user with this e-mail address."))
        return _page(request, invite_form=form, status=422)
    except invitations.NotSentError:
        return _not_sent(request)
    return _sent(request, email)


@require_POST
@access.owners
def invite_again(request: access.TenantRequest, invitation_id: int) -> HttpResponse:
    """E-mail a new link; the earlier one becomes invalid."""
    try:
        throttle.record_try(*tries.of_invitation(request.tenant))
        email = invitations.send_again(request.tenant, invitation_id, by=request.user)
    except throttle.TooManyTriesError as error:
        messages.error(request, limits_text.too_many_invitations(error))
        return _back(request)
    except invitations.UnknownInvitationError:
        raise Http404 from None
    except invitations.AlreadyMemberError:
        messages.info(request, _("There is already a user with this e-mail address."))
        return _back(request)
    except invitations.NotSentError:
        return _not_sent(request)
    return _sent(request, email)


@require_POST
@access.owners
def withdraw_invitation(request: access.TenantRequest, invitation_id: int) -> HttpResponse:
    try:
        invitations.withdraw(request.tenant, invitation_id)
    except invitations.UnknownInvitationError:
        raise Http404 from None
    messages.success(request, _("The invitation has been withdrawn; its link no longer works."))
    return _back(request)


@require_POST
@access.owners
def company(request: access.TenantRequest) -> HttpResponse:
    """Save the settings for all members."""
    # A separate instance: a refused form must not change what the page shows of the tenant.
    form = CompanyForm(request.POST, instance=Tenant.objects.get(pk=request.tenant.pk))
    if not form.is_valid():
        return _page(request, company_form=form, status=422)
    form.save()
    messages.success(request, _("Saved."))
    return _back(request)


def _membership(request: access.TenantRequest, membership_id: int) -> Membership:
    found = members.of(request.tenant).filter(pk=membership_id).first()
    if found is None:
        raise Http404
    return found


def _ask(request: access.TenantRequest, membership: Membership, role: Role | None = None) -> HttpResponse:
    context = {
        "membership": membership,
        "name": _name(membership),
        "role": role,
        "is_self": membership.user_id == request.user.pk,
    }
    return render(request, "accounts/member_remove.html", context)


def _needs_an_owner(request: access.TenantRequest) -> HttpResponse:
    messages.error(request, _("There must be an owner. Make someone else an owner first."))
    return _back(request)


def _sent(request: access.TenantRequest, email: str) -> HttpResponse:
    messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": email})
    return _back(request)


def _not_sent(request: access.TenantRequest) -> HttpResponse:
    messages.error(
        request, _("The mail server did not accept the e-mail. The invitation is kept: send it again later.")
    )
    return _back(request)


def _name(membership: Membership) -> str:
    return membership.user.display_name


def _back(request: access.TenantRequest) -> HttpResponse:
    return redirect("people", slug=request.tenant.slug)


def _page(
    request: access.TenantRequest,
    *,
    invite_form: InviteForm | None = None,
    company_form: CompanyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "members": members.of(request.tenant),
        "roles": Role.choices,
        "invitations": invitations.open_ones(request.tenant) if request.may_manage else [],
        "invite_form": invite_form or InviteForm(initial={"role": Role.VIEWER}),
        "company_form": company_form or CompanyForm(instance=request.tenant),
    }
    return render(request, "accounts/members.html", context, status=status)
