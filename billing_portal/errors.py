"""The two kinds of error: what a rule refuses, and everything else, which crashes."""

from __future__ import annotations


class Refused(Exception):
    """A business rule said no.

    The message is fit for the person who asked: views show it, the API sends it as 409 with
    ``code``, jobs log it. Anything else that goes wrong is a bug and is left to crash.
    """

    code = "refused"
