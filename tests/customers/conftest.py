"""A firm's back office."""

import pytest

from tests.customers.office import Office


@pytest.fixture
def office(client, firm):
    """The back office of a firm that nobody has entered yet."""
    return Office(client, firm)
