"""Faults on demand in both sandboxes, and the server under them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import patience
from tests.sandboxes.callers import KingCaller, OutSmartCaller

# How long a hanging call takes if nothing ends it.
HANGS_SECONDS = Fault(kind="timeout_before").seconds


@pytest.fixture
def king() -> Iterator[KingSandbox]:
    with KingSandbox(records=40) as sandbox:
        yield sandbox


@pytest.fixture
def caller(king: KingSandbox) -> Iterator[KingCaller]:
    with KingCaller(king) as one:
        yield one


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    until = time.monotonic() + patience.SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def stored_orders(king: KingSandbox) -> int:
    return len(king.store.find_orders("OS-1"))


def add_order(caller: KingCaller) -> None:
    caller.post("Order_Toevoegen", {"DebiteurNummer": 11001, "ExternOrderNummer": "OS-1"})


# --- which calls get a fault ------------------------------------------------------------------------------------------


def test_fault_hits_its_own_operation_as_often_as_asked_after_the_calls_that_it_skips(
    king: KingSandbox, caller: KingCaller
) -> None:
    king.faults.add(Fault(kind="http_500", operation="Webservice_Test", times=2, skip=1))

    others = [caller.post("Magazijnen_Opvragen", {}).status for _ in range(2)]
    hit = [caller.post("Webservice_Test", {}).status for _ in range(4)]

    assert (others, hit) == ([200, 200], [200, 500, 500, 200])
    assert king.faults.rules() == []


def test_fault_can_last_forever_until_it_is_cleared(king: KingSandbox, caller: KingCaller) -> None:
    caller.control("POST", "faults", [{"kind": "http_503", "times": "forever"}])

    assert {caller.post("Webservice_Test", {}).status for _ in range(5)} == {503}
    caller.control("DELETE", "faults")
    assert caller.post("Webservice_Test", {}).status == 200


def test_faults_take_their_turn(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="http_500"))
    king.faults.add(Fault(kind="http_503"))

    assert [caller.post("Webservice_Test", {}).status for _ in range(3)] == [500, 503, 200]


def test_fault_can_be_for_one_method_only() -> None:
    with OutSmartSandbox() as outsmart, OutSmartCaller(outsmart) as caller:
        outsmart.faults.add(Fault(kind="refuse", operation="POST hourtypes", code="1800", message="Failed"))

        assert caller.get("hourtypes")["code"] == 200
        assert caller.post("hourtypes", []) == {"code": 1800, "messages": ["Failed"], "response": None}


@pytest.mark.parametrize(
    "rule", [{"kind": "earthquake"}, {"operation": "*"}, {"kind": "refuse"}, {"kind": "empty", "time": 1}, 5]
)
def test_fault_that_makes_no_sense_is_refused(caller: KingCaller, rule: object) -> None:
    reply = caller.send("POST", "/_control/faults", rule)

    assert reply.status == 400
    assert reply.json()["error"]


@pytest.mark.parametrize("rule", [{"kind": "lock_by_user"}, {"kind": "refuse", "code": "LOCK"}])
def test_outsmart_has_neither_locks_nor_codes_in_words(rule: object) -> None:
    with OutSmartSandbox() as outsmart, OutSmartCaller(outsmart) as caller:
        assert caller.send("POST", "/_control/faults", rule).status == 400


# --- wrong answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        (Fault(kind="http_429", retry_after=7), 429, b"{"),
        (Fault(kind="http_500"), 500, b"{"),
        (Fault(kind="http_503"), 503, b"<!DOCTYPE html>"),
        (Fault(kind="html"), 200, b"<!DOCTYPE html>"),
        (Fault(kind="html", status=500), 500, b"<!DOCTYPE html>"),
        (Fault(kind="empty"), 200, b""),
        (Fault(kind="unauthorized"), 401, b"["),
        (
            Fault(kind="refuse", code="X17", message="Nee."),
            200,
            b'[{"Status":1,"FoutCode":"X17","FoutMelding":"Nee."}]',
        ),
    ],
)
def test_made_up_answer_leaves_the_work_undone(
    king: KingSandbox, caller: KingCaller, fault: Fault, status: int, start: bytes
) -> None:
    king.faults.add(fault)

    reply = caller.post("Order_Toevoegen", {"DebiteurNummer": 11001, "ExternOrderNummer": "OS-1"})

    assert reply.status == status
    assert reply.body.startswith(start)
    assert bool(reply.body) == (fault.kind != "empty")
    assert reply.headers.get("Retry-After") == {"http_429": "7", "http_503": "1"}.get(fault.kind)
    assert stored_orders(king) == 0


def test_made_up_answer_can_come_after_the_work(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="http_500", after=True))

    add_order(caller)

    assert stored_orders(king) == 1


def test_broken_json_comes_whole_but_cannot_be_read(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="broken_json"))

    reply = caller.post("Webservice_Test", {})

    assert reply.status == 200
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(reply.body)


def test_half_an_answer_ends_before_its_announced_length(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="half"))

    with pytest.raises(http.client.IncompleteRead):
        add_order(caller)

    assert stored_orders(king) == 1


def test_unauthorized_is_outsmarts_own_code() -> None:
    with OutSmartSandbox() as outsmart, OutSmartCaller(outsmart) as caller:
        outsmart.faults.add(Fault(kind="unauthorized", operation="relations"))

        assert caller.get("relations")["code"] == 1004


# --- timeouts and resets ----------------------------------------------------------------------------------------------


def test_latencies_add_up(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.latency_seconds = 0.05
    king.faults.add(Fault(kind="latency", seconds=0.05))

    caller.post("Webservice_Test", {})
    caller.post("Webservice_Test", {})

    first, second = king.calls.all()
    assert first.seconds >= 0.1
    assert second.seconds >= 0.05


def test_control_api_knows_neither_latency_nor_faults(caller: KingCaller) -> None:
    caller.control("POST", "switches", {"latency_seconds": 60})
    caller.control("POST", "faults", {"kind": "http_500", "times": "forever"})

    assert caller.control("GET", "switches")["latency_seconds"] == 60


@pytest.mark.parametrize(("kind", "orders"), [("timeout_before", 0), ("timeout_after", 1)])
def test_timeout_hangs_until_the_client_goes_away(king: KingSandbox, kind: str, orders: int) -> None:
    king.faults.add(msgspec.convert({"kind": kind}, Fault))

    with KingCaller(king, timeout=0.1) as impatient, pytest.raises(TimeoutError):
        add_order(impatient)

    eventually(lambda: any(call.seconds for call in king.calls.all()))
    assert king.calls.all()[0].seconds < HANGS_SECONDS / 2
    assert stored_orders(king) == orders


def test_timeout_closes_without_an_answer_after_its_seconds(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="timeout_before", seconds=0.05))

    with pytest.raises(http.client.RemoteDisconnected):
        add_order(caller)


def test_late_work_is_done_after_the_client_has_gone(king: KingSandbox) -> None:
    king.faults.add(Fault(kind="late", seconds=1.5))

    with KingCaller(king, timeout=0.05) as impatient, pytest.raises(TimeoutError):
        add_order(impatient)

    assert stored_orders(king) == 0
    eventually(lambda: stored_orders(king) == 1)


def test_late_work_answers_a_patient_client(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="late", seconds=0.05))

    add_order(caller)

    assert stored_orders(king) == 1


@pytest.mark.parametrize(("kind", "orders"), [("reset_before", 0), ("reset_after", 1)])
def test_reset_is_a_tcp_reset(king: KingSandbox, caller: KingCaller, kind: str, orders: int) -> None:
    king.faults.add(msgspec.convert({"kind": kind}, Fault))

    with pytest.raises(ConnectionResetError):
        add_order(caller)

    assert stored_orders(king) == orders


def test_hanging_calls_end_when_the_server_stops() -> None:
    king = KingSandbox(records=0).start()
    king.faults.add(Fault(kind="timeout_before", operation="Webservice_Test"))
    king.faults.add(Fault(kind="late", operation="Order_Toevoegen"))
    king.faults.latency_seconds = 0.0
    failures: list[Exception] = []

    def hang(operation: str) -> None:
        with KingCaller(king) as caller:
            try:
                caller.post(operation, {})
            except (http.client.HTTPException, OSError) as error:
                failures.append(error)

    threads = [threading.Thread(target=hang, args=[name]) for name in ("Webservice_Test", "Order_Toevoegen")]
    for thread in threads:
        thread.start()
    eventually(lambda: king.calls.count() == 2)

    started = time.monotonic()
    king.stop()
    for thread in threads:
        thread.join()

    assert time.monotonic() - started < HANGS_SECONDS / 2
    assert len(failures) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sandbox")]


# --- a King user ------------------------------------------------------------------------------------------------------


def test_lock_by_user_refuses_as_often_as_asked_and_gives_the_order_back(king: KingSandbox, caller: KingCaller) -> None:
    number = caller.new_order()
    king.faults.add(Fault(kind="lock_by_user", times=2))
    line = {"RegelSoort": "TEKST", "TekstOpFactuur": "x"}

    refused = [caller.refusal("Order_OrderRegel_Toevoegen", OrderNummer=number, **line) for _ in range(2)]

    assert refused == ["LOCK", "LOCK"]
    assert caller.new_line(number, **line)


def test_lock_by_user_can_be_left_behind(king: KingSandbox, caller: KingCaller) -> None:
    number = caller.new_order()
    king.faults.add(Fault(kind="lock_by_user", keep=True))

    for _ in range(2):
        assert caller.refusal("Order_LockVrijgeven", OrderNummer=number) == "LOCK"
    assert king.store.locks()[0]["LockEigenaar"] == "AUKE"


def test_lock_by_user_refuses_a_new_order_too(king: KingSandbox, caller: KingCaller) -> None:
    king.faults.add(Fault(kind="lock_by_user"))

    assert caller.refusal("Order_Toevoegen", DebiteurNummer=11001) == "LOCK"


# --- the server -------------------------------------------------------------------------------------------------------


def test_connection_is_kept_and_a_call_takes_no_delayed_acknowledgement(king: KingSandbox, caller: KingCaller) -> None:
    took = []
    for _ in range(100):
        started = time.monotonic()
        caller.post("Webservice_Test", {})
        took.append(time.monotonic() - started)

    # A delayed acknowledgement costs each call 0.04 s, except the first few; on a busy machine a few calls may be slow.
    assert min(took[50:]) < 0.04


def test_only_loopback_is_listened_on(king: KingSandbox) -> None:
    assert king.address.startswith("http://127.0.0.1:")


def test_taken_port_raises_and_stop_twice_does_nothing(king: KingSandbox) -> None:
    port = int(king.address.rpartition(":")[2])

    with pytest.raises(OSError, match="in use"):
        KingSandbox(port=port, records=0).start()
    king.stop()
    king.stop()

    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", port)) != 0


def test_stop_closes_connections_that_wait_for_their_next_call() -> None:
    king = KingSandbox(records=0).start()
    with KingCaller(king) as caller:
        caller.post("Webservice_Test", {})

        started = time.monotonic()
        king.stop()

    assert time.monotonic() - started < HANGS_SECONDS / 2


def test_body_of_unknown_length_is_refused(caller: KingCaller) -> None:
    assert caller.send("POST", "/DEMO01/Webservice_Test", b"", {"Transfer-Encoding": "chunked"}).status == 411


def test_calls_at_the_same_time_are_counted(king: KingSandbox) -> None:
    king.faults.add(Fault(kind="latency", seconds=HANGS_SECONDS, times="forever"))

    def call() -> None:
        with KingCaller(king) as one, contextlib.suppress(http.client.HTTPException, OSError):
            one.post("Webservice_Test", {})

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: king.calls.peak == 3)
    king.stop()
    for thread in threads:
        thread.join()

    assert king.calls.peak == 3
