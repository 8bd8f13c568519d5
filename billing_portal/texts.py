"""Texts that people and other systems write: what cannot be seen and changes what is, stays out.

A control character breaks out of a header, a line of a file or a log; a direction control lets a
name or a file's ending be read as another; a character of no width makes a twin of an id that no
eye can tell from it. Decided here, once, for every room. There are three kinds of text:

- an *id* (ids, keys, codes, sources, accounts, addresses of mail): nothing invisible, no space but
  the plain one, and letters with their accents as one character (Unicode's NFC), for another
  spelling of the same sight would be another id;
- a *line* (names and places): besides, what the spelling of some languages needs is allowed:
  joiners beside a letter that is not ASCII, and the selectors of a letter's variant;
- *prose*: besides, line breaks, tabs, direction marks, soft hyphens, and Mongolian's separator.

None of them consists of invisible characters alone. An id is never turned into another one: what
does not fit is refused, so that two systems that agree on an id agree on its bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

from billing_portal.errors import Refused

CODE = "text.hidden_character"
MARK = "\ufffd"  # where a character from outside that cannot be seen stood
# Of Unicode's Bidi_Control: embeddings, overrides and isolates, which turn what is around them.
_TURNING = "\u202a-\u202e\u2066-\u2069"
# Its marks only place a comma or bracket: in prose of some languages they are spelling.
_MARKS = "\u061c\u200e\u200f"
_BREAKS = "\u2028\u2029"
_JOINERS = "\u200c\u200d"
_USELESS_JOINER = rf"(?<![^\x00-\x7f{_JOINERS}])[{_JOINERS}](?![^\x00-\x7f{_JOINERS}])"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_MONGOLIAN = "\u180e"
_SOFT_HYPHEN = "\u00ad"
# The rest of Unicode 16's Default_Ignorable_Code_Point, annotation marks, and Braille's blank.
_USELESS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u200b\u2060-\u2065\u206a-\u206f\u2800\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    "\U000e01f0-\U000e0fff"
)
_OTHER_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_CONTROLS = "\x00-\x1f\x7f-\x9f"
_NOT_IN_PROSE = _TURNING + _USELESS + "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_NOT_IN_A_LINE = _TURNING + _USELESS + _CONTROLS + _MARKS + _BREAKS + _MONGOLIAN + _SOFT_HYPHEN
_NOT_IN_AN_ID = _NOT_IN_A_LINE + _JOINERS + _SELECTORS + _OTHER_SPACES
_IN_PROSE = re.compile(f"[{_NOT_IN_PROSE}]|{_USELESS_JOINER}")
_IN_A_LINE = re.compile(f"[{_NOT_IN_A_LINE}]|{_USELESS_JOINER}")
_IN_AN_ID = re.compile(f"[{_NOT_IN_AN_ID}]")
_SEEN = re.compile(f"[^ {_NOT_IN_AN_ID}]")
_ID_WORDS = (
    "account acr activity attribute bic code currency customer email iban id issuer key kind level "
    "matter number region source timekeeper user"
)
_IDS = frozenset(_ID_WORDS.split())


class HiddenCharacter(Refused):
    """A text holds a character that cannot be seen, or one that turns the direction of reading.

    :ivar name: the name of the value that holds ``character``.
    """

    code = CODE

    def __init__(self, character: str, name: str = "") -> None:
        self.character, self.name = character, name
        super().__init__(hidden_in_words(character, name))

    def under(self, label: str) -> str:
        """Return the same words for who knows the value by a label."""
        return hidden_in_words(self.character, label)


def is_an_id(name: str) -> bool:
    """Say whether a value of this name identifies something: its last word says so."""
    return name.rpartition("_")[2] in _IDS


def is_blank(text: str) -> bool:
    """Say whether nothing of a text can be seen."""
    return _SEEN.search(text) is None


def hidden_in(text: str, *, is_prose: bool = False, is_id: bool = False) -> str:
    """Return the first character of a text that is not to be there, or an empty text.

    Of a text that shows nothing but is more than spaces, that is its first character but those.

    :param is_prose: the text may have several lines: line breaks, tabs and direction marks are
        part of it, as are the separators of lines and paragraphs.
    :param is_id: the text names something, so that no two of them may look the same.
    """
    if text.isascii() and text.isprintable():
        return ""
    pattern = _IN_AN_ID if is_id else _IN_PROSE if is_prose else _IN_A_LINE
    found = pattern.search(text)
    if found:
        return found.group()
    if is_blank(text):
        return text.strip()[:1]
    return _loose_in(text) if is_id else ""


def hidden_in_words(character: str, name: str = "") -> str:
    """Say what is wrong with a text, by the number of its character and never by showing it."""
    where = f"“{name.replace('_', ' ')}”" if name else "The text"
    number = f"U+{ord(character):04X}"
    if is_blank(character):
        return f"{where} holds a hidden character ({number}). Take it out."
    return f"{where} holds {number} by itself. Write a letter and its accent as one character."


def refuse_hidden(values: Mapping[str, object], *, prose: Collection[str] = ()) -> None:
    """Pass when no text among named values holds a hidden character; other values do not count.

    :param prose: the names of those that may have several lines.
    :raises HiddenCharacter: naming the value and the character.
    """
    for name, value in values.items():
        if not isinstance(value, str):
            continue
        is_prose = name in prose
        found = hidden_in(value, is_prose=is_prose, is_id=not is_prose and is_an_id(name))
        if found:
            raise HiddenCharacter(found, name)


def marked(text: str) -> str:
    """Return a line from outside that nobody can be asked to mend, fit to be kept and shown.

    Line breaks, tabs and other spaces become one plain space each; every hidden character becomes
    ``MARK``, so that it is seen that something stood there, and nothing around it turns.
    """
    text = " ".join(text.split())
    return text if text.isascii() and text.isprintable() else _IN_A_LINE.sub(MARK, text)


def _loose_in(text: str) -> str:
    """Return the first character that NFC would write otherwise, or an empty text."""
    if unicodedata.is_normalized("NFC", text):
        return ""
    ends = range(1, len(text) + 1)
    return next(text[end - 1] for end in ends if not unicodedata.is_normalized("NFC", text[:end]))
