"""``manage.py workers``: run the engine's workers under the supervisor."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_portal.jobs.processes import be_engine
from billing_portal.jobs.supervisor import Supervisor
from billing_portal.tenancy.guards import refuse_privileged_role


class Command(BaseCommand):
    """Run workers until told to stop, or until nothing is left to do."""

    help = "Run the background workers and the clockwork that feeds them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--inner", action="store_true", help="the engine itself (internal)")
        parser.add_argument("--until-idle", action="store_true", help="end when no job is left")
        parser.add_argument("--time-limit", type=float, help="with --until-idle: seconds at most")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, and exit with the supervisor's code."""
        refuse_privileged_role()
        if options["inner"]:
            sys.exit(be_engine())
        supervisor = Supervisor(
            stop_when_idle=options["until_idle"], time_limit=options["time_limit"]
        )
        sys.exit(supervisor.run())
