"""The commands that put simulated devices where other programs can reach them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowlog.cli_common import database_path, plan_named, seconds_of

if TYPE_CHECKING:
    from rowlog_drivers.peripheral import Event

simulators = typer.Typer(
    help="Put simulated devices where other programs can reach them.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Make the commands of this file some of `app`."""
    app.add_typer(simulators, name="simulate")


@simulators.command(name="ble")
def simulate_ble(
    plan: Annotated[
        str | None,
        typer.Argument(metavar="[PLAN]", help="What the athlete follows; else rows on and on."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Under which it is advertised."),
    ] = None,
    machine: Annotated[
        str,
        typer.Option("--machine", metavar="KIND", help="ftms, or pm5 for a Concept2 monitor."),
    ] = "ftms",
    adapter: Annotated[
        str | None,
        typer.Option("--adapter", metavar="HCI", help="As in hci0; else the first that can."),
    ] = None,
    no_rower: Annotated[bool, typer.Option("--no-rower", help="The strap alone.")] = False,
    no_strap: Annotated[bool, typer.Option("--no-strap", help="The rower alone.")] = False,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Another athlete, equally plausible.")
    ] = 1,
    fault: Annotated[
        str, typer.Option("--fault", metavar="NAME,...", help="What goes wrong, as of sim:rower.")
    ] = "",
    speed: Annotated[
        float, typer.Option("--speed", metavar="N", help="N seconds of a session in one.")
    ] = 1.0,
    rate: Annotated[
        float, typer.Option("--rate", metavar="HZ", help="Records a second of the rower.")
    ] = 2.0,
    relay: Annotated[
        bool, typer.Option("--relay", help="The rower sends the heart rate too.")
    ] = False,
    paddling: Annotated[
        bool, typer.Option("--paddling", help="Some light strokes in the rests.")
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="End after this time, as in 30:00 or 45s."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each thing that happens.")
    ] = False,
) -> None:
    """Be a Bluetooth rower and strap. Any app can connect to them; Ctrl-C ends it.

    Needs Linux with BlueZ, and an adapter that the app does not use itself.
    """
    from rowlog.harmless import harmless, json_text
    from rowlog.simulating import OnPaper
    from rowlog.simulating_ble import simulate_ble as run

    def tell(event: Event) -> None:
        shown = {"event": event.name, "text": event.text}
        typer.echo(json_text(shown) if as_json else harmless(event.text))
        sys.stdout.flush()

    run(
        OnPaper(
            plan=plan_named(plan, database_path(None)) if plan is not None else None,
            rower=not no_rower,
            strap=not no_strap,
            seed=seed,
            faults=[word.strip() for word in fault.split(",") if word.strip()],
            speed=speed,
            rate_hz=rate,
            relay=relay,
            paddling=paddling,
            machine=machine,
        ),
        name=name,
        adapter=adapter,
        for_s=seconds_of(limit) if limit is not None else None,
        tell=tell,
    )


@simulators.command(name="serial")
def simulate_serial(
    plan: Annotated[
        str | None,
        typer.Argument(metavar="[PLAN]", help="What the athlete follows; else rows on and on."),
    ] = None,
    link: Annotated[
        Path | None,
        typer.Option("--link", metavar="FILE", help="A link that always points to the port."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Another athlete, equally plausible.")
    ] = 1,
    fault: Annotated[
        str, typer.Option("--fault", metavar="NAME,...", help="What goes wrong, as of sim:s4.")
    ] = "",
    speed: Annotated[
        float, typer.Option("--speed", metavar="N", help="N seconds of a session in one.")
    ] = 1.0,
    paddling: Annotated[
        bool, typer.Option("--paddling", help="Some light strokes in the rests.")
    ] = False,
    held: Annotated[
        bool, typer.Option("--held", help="The monitor holds PLAN as its own workout.")
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="End after this time, as in 30:00 or 45s."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each thing that happens.")
    ] = False,
) -> None:
    """Be a WaterRower S4 on a serial port. Any program can open it; Ctrl-C ends it.

    Prints where the port is. Needs Linux or macOS. At a speed other than 1, tell the recorder too:
    --rower "serial:PATH?speed=N".
    """
    from rowlog.harmless import harmless, json_text
    from rowlog.simulating import OnPaper
    from rowlog.simulating_serial import simulate_serial as run
    from rowlog_drivers.pseudo_terminal import Event as PortEvent

    def tell(event: PortEvent) -> None:
        shown = {"event": event.name, "text": event.text, "path": event.path}
        typer.echo(json_text(shown) if as_json else harmless(event.text))
        sys.stdout.flush()

    run(
        OnPaper(
            plan=plan_named(plan, database_path(None)) if plan is not None else None,
            strap=False,
            seed=seed,
            faults=[word.strip() for word in fault.split(",") if word.strip()],
            speed=speed,
            paddling=paddling,
            held=held,
        ),
        link=link,
        for_s=seconds_of(limit) if limit is not None else None,
        tell=tell,
    )
