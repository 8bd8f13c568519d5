"""The demo bank as a program: ``python tests/outside/bank/serve.py --book FILE --token TOKEN``.

Prints one line with its address, serves until SIGTERM, and keeps its book in an SQLite file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[3])  # the folder that holds "tests"

from tests.outside import web  # noqa: E402 -- after the path is set
from tests.outside.bank.counter import Counter, account_from  # noqa: E402 -- as above
from tests.outside.bank.ledger import Ledger  # noqa: E402 -- as above


def main() -> None:
    """Serve the accounts of a configuration file."""
    parser = web.arguments("Demo bank: books payments and gives statements.")
    parser.add_argument("--token", required=True, help="what statements are asked for with")
    parser.add_argument(
        "--config", type=Path, default=Path(__file__).with_name("demo.json"), help="accounts, JSON"
    )
    asked = parser.parse_args()
    ledger = Ledger(Path(asked.book))
    for described in json.loads(asked.config.read_text("utf-8"))["accounts"]:
        ledger.open_account(account_from(described))
    counter = Counter(ledger, asked.token)
    web.run(web.listen(counter, port=asked.port), until_stdin_closes=asked.until_stdin_closes)
    ledger.close()


if __name__ == "__main__":
    main()
