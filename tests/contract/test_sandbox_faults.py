"""Both clients against failing sandboxes: what an error says must be true on the other side."""

from __future__ import annotations

import pytest

from integrations import errors
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, NewOrder
from integrations.outsmart.client import Client as OutSmartClient
from integrations.transport import Transport
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests.contract.conftest import LOOPBACK, client_of
from tests.contract.test_outsmart_client import RELATION

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

# Fault, class for a read, class for a write, and whether the write was carried out all the same.
FAULTS = [
    (Fault(kind="reset_before"), errors.ServerError, errors.OutcomeUnknownError, False),
    (Fault(kind="reset_after"), errors.ServerError, errors.OutcomeUnknownError, True),
    (Fault(kind="timeout_before"), errors.ServerError, errors.OutcomeUnknownError, False),
    (Fault(kind="timeout_after"), errors.ServerError, errors.OutcomeUnknownError, True),
    (Fault(kind="http_429", retry_after=7), errors.RateLimitError, errors.RateLimitError, False),
    (Fault(kind="http_500"), errors.ServerError, errors.OutcomeUnknownError, False),
    (Fault(kind="http_503"), errors.ServerError, errors.OutcomeUnknownError, False),
    (Fault(kind="http_500", after=True), errors.ServerError, errors.OutcomeUnknownError, True),
    (Fault(kind="html"), errors.ServerError, errors.OutcomeUnknownError, False),
    (Fault(kind="empty", after=True), errors.ServerError, errors.OutcomeUnknownError, True),
    (Fault(kind="broken_json"), errors.ServerError, errors.OutcomeUnknownError, True),
    (Fault(kind="half"), errors.ServerError, errors.OutcomeUnknownError, True),
    (Fault(kind="unauthorized"), errors.AuthenticationError, errors.AuthenticationError, False),
    (Fault(kind="refuse", code="4711", message="Nee"), errors.RejectedError, errors.RejectedError, False),
]


def fault_names() -> list[str]:
    return [f"{fault.kind}{' after' if fault.after else ''}" for fault, *_ in FAULTS]


@pytest.mark.parametrize(("fault", "_read", "expected", "is_done"), FAULTS, ids=fault_names())
def test_write_to_king_that_goes_wrong_says_what_is_known(
    demo_king: KingSandbox,
    to_king: KingClient,
    fault: Fault,
    _read: type[errors.IntegrationError],
    expected: type[errors.IntegrationError],
    is_done: bool,
) -> None:
    demo_king.faults.add(copy_of(fault))

    with pytest.raises(errors.IntegrationError) as caught:
        to_king.create_order(NewOrder(debtor_number="11001", external_number="OS-1"))

    assert type(caught.value) is expected
    assert demo_king.calls.count("Order_Toevoegen") == 1
    assert len(to_king.find_orders(reference="OS-1")) == int(is_done)


@pytest.mark.parametrize(("fault", "_read", "expected", "is_done"), FAULTS, ids=fault_names())
def test_write_to_outsmart_that_goes_wrong_says_what_is_known(
    demo_outsmart: OutSmartSandbox,
    to_outsmart: OutSmartClient,
    fault: Fault,
    _read: type[errors.IntegrationError],
    expected: type[errors.IntegrationError],
    is_done: bool,
) -> None:
    demo_outsmart.faults.add(copy_of(fault))

    with pytest.raises(errors.IntegrationError) as caught:
        to_outsmart.post_relations([RELATION])

    assert type(caught.value) is expected
    assert demo_outsmart.calls.count("relations") == 1
    assert len(demo_outsmart.store.rows("relations")) == int(is_done)


@pytest.mark.parametrize(("fault", "expected", "_write", "_done"), FAULTS, ids=fault_names())
@pytest.mark.parametrize("system", ["king", "outsmart"])
def test_read_that_goes_wrong_says_what_happens_next(
    request: pytest.FixtureRequest,
    system: str,
    fault: Fault,
    expected: type[errors.IntegrationError],
    _write: type[errors.IntegrationError],
    _done: bool,
) -> None:
    sandbox = request.getfixturevalue(f"demo_{system}")
    client = request.getfixturevalue(f"to_{system}")
    sandbox.faults.add(copy_of(fault))

    with pytest.raises(errors.IntegrationError) as caught:
        client.read_page(Kind.DEBTOR) if system == "king" else client.list_work_statuses()

    assert type(caught.value) is expected


def copy_of(fault: Fault) -> Fault:
    """Return a copy of a fault, since a sandbox counts down in the fault itself."""
    return Fault(**{name: getattr(fault, name) for name in fault.__struct_fields__})


def test_read_is_tried_again_until_it_succeeds(demo_king: KingSandbox) -> None:
    demo_king.faults.add(Fault(kind="http_503", times=1, retry_after=0))
    demo_king.faults.add(Fault(kind="reset_after", times=1))
    with Transport("king", policy=LOOPBACK, sleep=lambda _: None) as transport:
        page = client_of(demo_king, transport).read_page(Kind.DEBTOR)

    assert page.records
    assert demo_king.calls.count("Debiteuren_Opvragen") == 3
