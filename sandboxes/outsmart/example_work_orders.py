"""OutSmart's demo work orders: the same company as King's demo data of the same seed.

The first 25 cover every state that an export can encounter (SCENES, in this order); the rest
are plain completed work orders for King, for tests of size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from sandboxes.messages import Record
from sandboxes.outsmart.work_order_frames import Maker

Scene: TypeAlias = Callable[[Maker, int], Record]


def make_work_orders(seed: int, count: int) -> Iterator[Record]:
    """Yield work orders, the same for the same seed."""
    if count <= 0:
        return
    maker = Maker(seed)
    for index in range(count):
        scene = SCENES[index] if index < len(SCENES) else _plain
        yield maker.make(index, scene(maker, index))


def _plain(maker: Maker, index: int) -> Record:
    """Return a completed one for King, not linked: one or two articles and nearly two hours."""
    return {
        "Materials": [maker.any_material(index) for _ in range(index % 2 + 1)],
        "Workperiods": [maker.period(index, "08:00", "09:45", "01:45", "MONT")],
    }


def _linked(maker: Maker, index: int) -> Record:
    """Return one linked to an open King order, with travel and a warehouse per line."""
    return {
        **maker.linked(0),
        "ShortWorkDescription": "Onderhoud cv-ketel",
        "TypeOfWork": "Onderhoud",
        "WorkDescription": "Ketel gereinigd en afgesteld.\r\nExpansievat vervangen.",
        "Materials": [
            maker.material("EXP-018", "1", warehouse="1"),
            maker.material("BUIS-CU15", "2,5", warehouse="2"),
        ],
        "Workperiods": [
            maker.period(index, "07:30", "08:00", "00:30", "REIS"),
            maker.period(index, "08:00", "11:50", "03:35", "MONT", pause="15"),
        ],
    }


def _linked_rates(maker: Maker, index: int) -> Record:
    """Return a linked one with several rates on a long day."""
    return {
        **maker.linked(1),
        "ShortWorkDescription": "Montage warmtepomp",
        "TypeOfWork": "Installatie",
        "Materials": [maker.material("WP-HYB-5", "1", warehouse="1"), maker.material("GLYCOL", "12,5")],
        "Workperiods": [
            maker.period(index, "08:00", "17:00", "08:30", "MONT", pause="30"),
            maker.period(index, "17:00", "19:10", "02:10", "MONT150"),
            maker.period(index, "08:00", "17:00", "08:30", "LEERLING", pause="30"),
            maker.period(index, "19:10", "19:50", "00:40", "REIS"),
        ],
    }


def _over_midnight(maker: Maker, index: int) -> Record:
    return {
        "ShortWorkDescription": "Storing cv-ketel",
        "TypeOfWork": "Storing",
        "WorkDescription": "Geen warm water. Sensor vervangen en getest.",
        "WorkTime": "22:15",
        "Materials": [maker.material("VOORRIJ-2", "1")],
        "Workperiods": [
            maker.period(index, "22:15", "00:40", "02:25", "STORING"),
            maker.period(index, "00:40", "01:05", "00:25", "STORING", pause=""),
        ],
    }


def _points(maker: Maker, index: int) -> Record:
    """Return one whose decimals have a point instead of a comma."""
    return {
        "Materials": [
            maker.material("BUIS-MLC16", "7.5", warehouse="1", point=True),
            maker.material("SOLDEER", "0.125", point=True),
        ],
        "Workperiods": [maker.period(index, "13:00", "14:20", "01:20", "MONT")],
    }


def _unknown_article(maker: Maker, index: int) -> Record:
    return {
        "Materials": [maker.material("BESTAATNIET-1", "1"), maker.material("KNIE-CU15", "4", warehouse="3")],
        "Workperiods": [maker.period(index, "09:00", "10:00", "01:00", "MONT")],
    }


def _free_line(maker: Maker, index: int) -> Record:
    """Return one with a line that the engineer typed himself, without an article code."""
    return {
        "Materials": [
            maker.material(
                "",
                "1",
                MaterialName="Klein materiaal (vrije regel)",
                MaterialUnit="",
                MaterialPrice="7,50",
                MaterialTotalPrice="7,50",
            ),
            maker.material("AFD-KIT", "2", warehouse="4"),
        ],
        "Workperiods": [maker.period(index, "10:00", "11:15", "01:15", "MONT")],
    }


def _credit(maker: Maker, index: int) -> Record:
    """Return one with a negative quantity: goods taken back."""
    return {
        "ShortWorkDescription": "Thermostaat omgeruild",
        "Materials": [
            maker.material("THERM-DIG", "-1", warehouse="1"),
            maker.material("THERM-SLIM", "1", warehouse="1"),
        ],
        "Workperiods": [maker.period(index, "15:00", "15:30", "00:30", "MONT")],
    }


def _no_lines(_maker: Maker, _index: int) -> Record:
    return {"ShortWorkDescription": "Niemand thuis", "WorkDescription": "Klant niet thuis, kaart achtergelaten."}


def _rates(maker: Maker, index: int) -> Record:
    """Return one with rates of 0 to 3 decimals, and one period without a rate."""
    return {
        "ShortWorkDescription": "Inbedrijfstelling",
        "Materials": [],
        "Workperiods": [
            maker.period(index, "08:00", "08:50", "00:50", "INBEDR"),
            maker.period(index, "08:50", "10:20", "01:30", "PROJECTL"),
            maker.period(index, "10:20", "14:20", "04:00", "HOOGW"),
            maker.period(index, "14:20", "14:35", "00:15", ""),
        ],
    }


def _foreign_number(maker: Maker, index: int) -> Record:
    """Return one linked to a number that King does not know."""
    return {**_plain(maker, index), "WorkorderNo": "SERV-8841", "ExternalReference": "PO-5521"}


def _other_payer(maker: Maker, index: int) -> Record:
    return {**_plain(maker, index), **maker.debtor(has_payer=True), "ExternalReference": "PO-9917-GB"}


def _blocked_debtor(maker: Maker, index: int) -> Record:
    return {**_plain(maker, index), **maker.debtor(is_blocked=True)}


def _planned(_maker: Maker, _index: int) -> Record:
    return {"status": "Klaargezet", "WorkStatus": "2", "WorkFinished": "0", "WorkDescription": ""}


def _fetched(_maker: Maker, _index: int) -> Record:
    return {"status": "Opgehaald", "WorkStatus": "2", "WorkFinished": "0", "WorkDescription": ""}


def _handled(maker: Maker, index: int) -> Record:
    return {**_plain(maker, index), "status": "Afgehandeld", "WorkStatus": "10"}


def _archived(maker: Maker, index: int) -> Record:
    return {**_plain(maker, index), "Archived": "1"}


def _failed(maker: Maker, index: int) -> Record:
    return {**_plain(maker, index), "WorkStatus": "99"}


def _interim(maker: Maker, index: int) -> Record:
    return {**_plain(maker, index), **maker.linked(2), "WorkStatus": "5", "WorkFinished": "0"}


def _interim_on_device(maker: Maker, index: int) -> Record:
    return {**_interim(maker, index), **maker.linked(3), "status": "Opgehaald"}


def _not_yet_for_king(maker: Maker, index: int) -> Record:
    """Return a completed one that the office still has to check."""
    return {**_plain(maker, index), "WorkStatus": "2"}


def _zero(maker: Maker, index: int) -> Record:
    """Return one with a zero quantity beside a real one, and a blocked article."""
    return {
        "Materials": [
            maker.material("KOGEL-15", "0", warehouse="1"),
            maker.material("KOGEL-15", "2", warehouse="1"),
            maker.material("CV-OUD24", "1", warehouse="1"),
        ],
        "Workperiods": [maker.period(index, "11:00", "12:10", "01:10", "MONT")],
    }


SCENES: tuple[Scene, ...] = (
    _linked,
    _linked_rates,
    _plain,
    _over_midnight,
    _points,
    _unknown_article,
    _free_line,
    _credit,
    _no_lines,
    _rates,
    _foreign_number,
    _other_payer,
    _blocked_debtor,
    _planned,
    _planned,
    _fetched,
    _fetched,
    _handled,
    _handled,
    _archived,
    _failed,
    _interim,
    _interim_on_device,
    _not_yet_for_king,
    _zero,
)
