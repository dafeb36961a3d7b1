"""What it costs to open rowlog, against a bare typer program with two commands.

Runs both in turn, in the same environment, with byte-code compiled, and prints the wall times and
the ratio: `python benchmarks/startup.py [RUNS]`. The bar is 1.3.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = '''
from typing import Annotated
import typer

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

@app.command()
def show(session: Annotated[str, typer.Argument(help="One.")] = "last") -> None:
    """Show one."""
    typer.echo(f"session {session}")

@app.command()
def sessions(limit: Annotated[int, typer.Option(help="How many.")] = 20) -> None:
    """List them."""
    typer.echo(f"{limit} sessions")

def main() -> None:
    app()
'''

ROWLOG = "from rowlog.cli import main; main()"


def wall_s(code: str, arguments: list[str], environment: dict[str, str]) -> float:
    """Wall seconds of one whole run."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "rowlog.db"
        environment = {
            **os.environ,
            "ROWLOG_DB": str(database),
            "PYTHONPATH": os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        (Path(folder) / "bare_typer.py").write_text(BARE, encoding="utf-8")
        bare = "from bare_typer import main; main()"
        subprocess.run(
            [sys.executable, "-c", ROWLOG, "demo"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        print(f"{runs} runs each, in turn; wall milliseconds, and rowlog / bare pair by pair")
        for arguments in (["--version"], ["show"], ["sessions"], ["summary"]):
            against = ["sessions"] if arguments == ["sessions"] else ["show"]
            wall_s(bare, against, environment)
            wall_s(ROWLOG, arguments, environment)
            pairs = [
                (wall_s(ROWLOG, arguments, environment), wall_s(bare, against, environment))
                for _ in range(runs)
            ]
            ours, bares = zip(*pairs, strict=True)
            ratio = statistics.median(our / other for our, other in pairs)
            print(
                f"rowlog {arguments[0]:<10} {statistics.median(ours) * 1000:7.1f}"
                f"   bare {statistics.median(bares) * 1000:7.1f}   ratio {ratio:.2f}"
            )


if __name__ == "__main__":
    main()
