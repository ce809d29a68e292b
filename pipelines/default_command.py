"""A group of commands, one of which is meant when only options are given."""

from typing import Any

from typer.core import TyperGroup


class _WithDefault(TyperGroup):
    default = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


class TrainingByDefault(_WithDefault):
    """``submit --host ...`` is ``submit training --host ...``."""

    default = "training"


class MonitoringByDefault(_WithDefault):
    """``schedule --cron ...`` is ``schedule monitoring --cron ...``."""

    default = "monitoring"
