"""A few hundred random work orders through whole exports; `make compare` runs many thousands."""

from __future__ import annotations

import pytest

from tests.oracle import features
from tests.oracle.runner import Batch

SEED = 20251121


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(6))
def test_random_work_orders_end_as_the_contract_says(number: int) -> None:
    batch = Batch(SEED, number, size=50, features_out=features.left_out())

    report = batch.run()

    assert batch.told() == []
    assert report.compared.total() > 50
