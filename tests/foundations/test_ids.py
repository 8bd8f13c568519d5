"""Public ids name one thing and nothing else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.ids import NotAnId, public_id, uid_of


@given(st.uuids())
def test_a_public_id_leads_back_to_its_uuid(uid):
    text = public_id("inv", uid)

    assert uid_of("inv", text) == uid
    assert len(text) == len("inv_") + 26


@given(st.uuids(), st.uuids())
def test_ids_sort_like_their_uuids(one, other):
    assert (public_id("inv", one) < public_id("inv", other)) == (one.int < other.int)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "inv_",
        "inv_" + "0" * 25,
        "inv_" + "0" * 27,
        "inv_" + "u" + "0" * 25,
        "inv_" + "8" + "0" * 25,
        "INV_" + "0" * 26,
        "cus_" + "0" * 26,
        "inv-" + "0" * 26,
        str(UUID(int=0)),
    ],
)
def test_what_is_no_id_of_the_kind_is_refused(text):
    with pytest.raises(NotAnId):
        uid_of("inv", text)
