"""The demo mail server as a program: ``python tests/outside/mail/serve.py --book FOLDER``.

Prints one line with two addresses, of its control and of its SMTP port, and serves until SIGTERM.
The book is a folder.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[3])  # the folder that holds "tests"

from aiosmtpd.controller import Controller  # noqa: E402 -- after the path is set

from tests.outside import web  # noqa: E402 -- as above
from tests.outside.mail.post_office import PostOffice  # noqa: E402 -- as above


def main() -> None:
    """Take mail on loopback."""
    parser = web.arguments("Demo mail server: keeps every message as a file.")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 takes a free one")
    asked = parser.parse_args()
    office = PostOffice(Path(asked.book))
    port = asked.smtp_port or _free_port()
    post = Controller(office, hostname="127.0.0.1", port=port)
    post.start()
    web.run(
        web.listen(office.control, port=asked.port),
        also=f" smtp://127.0.0.1:{port}",
        until_stdin_closes=asked.until_stdin_closes,
    )
    post.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
