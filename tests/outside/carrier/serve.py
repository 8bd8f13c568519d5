"""The demo carriers as a program: ``python tests/outside/carrier/serve.py --book FILE``.

Prints one line with its address, serves until SIGTERM, and keeps its book in an SQLite file.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[3])  # the folder that holds "tests"

from tests.outside import web  # noqa: E402 -- after the path is set
from tests.outside.carrier.book import Book  # noqa: E402 -- as above
from tests.outside.carrier.desk import Desk  # noqa: E402 -- as above
from tests.outside.carrier.master import carriers_from  # noqa: E402 -- as above
from tests.outside.carrier.site import Sites  # noqa: E402 -- as above


def main() -> None:
    """Serve the carriers of a configuration file."""
    parser = web.arguments("Demo carriers: e-billing sites of invented insurers.")
    parser.add_argument(
        "--config", type=Path, default=Path(__file__).with_name("demo.json"), help="carriers, JSON"
    )
    asked = parser.parse_args()
    book = Book(Path(asked.book))
    sites = Sites(Desk(carriers_from(asked.config), book))
    web.run(web.listen(sites, port=asked.port), until_stdin_closes=asked.until_stdin_closes)
    book.close()


if __name__ == "__main__":
    main()
