"""Numbers in refusals are read by people: thousands are set apart, and bounds are round."""

import pytest

from billing_portal.api.problems import TooLarge
from billing_portal.errors import counted, sized
from dunning.bank.camt import read_camt053
from dunning.bank.findings import NotAStatement
from dunning.bank.safe_xml import MOST_BYTES
from invoices.forms.charges import MOST_BYTES as MOST_OF_CHARGES
from invoices.forms.charges import CsvFinding, NotCharges, read_charges


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (60_000, "60,000 rows")]
)
def test_a_number_comes_with_its_noun(number, said):
    assert counted(number, "row") == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1_500, "1,500 bytes"),
        (20_000_000, "20 MB"),
        (20_000_001, "20,000,001 bytes"),
        (3_000_000_000, "3,000 MB"),
    ],
)
def test_bytes_are_said_round_where_they_are(count, said):
    assert sized(count) == said


def test_what_is_too_large_says_how_much_is_taken():
    with pytest.raises(NotAStatement, match=r"has 16,000,001 bytes; 16 MB are read at most\."):
        read_camt053(b" " * (MOST_BYTES + 1))
    with pytest.raises(NotCharges) as charges:
        read_charges(b"x" * (MOST_OF_CHARGES + 1))
    assert charges.value.findings[0].text == "At most 20 MB at a time."
    assert str(TooLarge(25_000_000)) == "At most 25 MB are read at a time. Nothing was done."


def test_many_findings_are_counted_with_their_thousands_set_apart():
    refusal = NotCharges([CsvFinding(1, "", "rule", "Wrong.")] * 60_000)

    assert str(refusal) == "The file has 60,000 findings; nothing was taken."
