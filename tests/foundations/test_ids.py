"""Public ids name one thing and nothing else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.ids import NotAnId, public_id, spoken, uid_of, uids_spoken


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


@given(st.uuids(version=4))
def test_what_people_call_a_thing_is_how_its_id_begins_and_leads_to_it(uid):
    name = spoken(uid)

    assert public_id("inv", uid).startswith(f"inv_{name.lower()}")
    assert len(name) == 6
    meant = uids_spoken(f"Draft {name.lower()}")
    assert meant is not None
    assert meant[0] <= uid <= meant[1]
    assert [spoken(edge) for edge in meant] == [name, name]


def test_letters_that_look_alike_are_one():
    assert uids_spoken("Draft 7lI0oz") == uids_spoken("71100Z")


@pytest.mark.parametrize("text", ["", "Draft", "7K3F9", "7K3F9QQ", "8K3F9Q", "7K-F9Q", "7k3f9ü"])
def test_what_nobody_can_be_called_means_nothing(text):
    assert uids_spoken(text) is None
