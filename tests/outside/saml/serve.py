"""The demo SAML directory as a program: ``python tests/outside/saml/serve.py --book FILE``.

Prints one line with its address, serves until SIGTERM, and writes each sign-in into its book.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[3])  # the folder that holds "tests"

from tests.outside import organizations  # noqa: E402 -- after the path is set
from tests.outside.saml.people import Register  # noqa: E402 -- as above
from tests.outside.saml.signing import Signer  # noqa: E402 -- as above
from tests.outside.saml.site import Directory  # noqa: E402 -- as above


def main() -> None:
    """Serve the organizations of a configuration file."""
    organizations.run(
        "Demo SAML directory: signs the people of invented companies in.",
        Path(__file__).with_name("demo.json"),
        Register,
        lambda register: Directory(register, Signer()),
    )


if __name__ == "__main__":
    main()
