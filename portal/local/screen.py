"""What `portal up` shows: one line a step, with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

WIDTH = 66


class Screen:
    """Prints steps for a person; plain lines where there is no terminal."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows another
        self.console = Console(highlight=False, soft_wrap=True)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.console.print(f"[bold]{escape(text)}[/bold]")

    def step(self, text: str, seconds: float | None = None) -> None:
        """Print something that is done."""
        took = "" if seconds is None else f"{seconds:6.1f} s"
        self.console.print(f"  [green]✓[/green] {escape(text):<{WIDTH}}[dim]{took}[/dim]".rstrip())

    def note(self, text: str) -> None:
        """Print something that a person should know."""
        self.console.print(f"  [yellow]![/yellow] {escape(text)}")

    def fail(self, text: str, cure: str = "") -> None:
        """Print what went wrong and how to mend it."""
        self.console.print(f"  [red]✗[/red] {escape(text)}")
        if cure:
            self.console.print(f"    {escape(cure)}")

    def findings(self, document: dict[str, Any]) -> None:
        """Print what a doctor found, then the settings."""
        marks = {"ok": "[green]✓[/green]", "note": "[yellow]![/yellow]", "wrong": "[red]✗[/red]"}
        for one in document["checks"]:
            self.console.print(f"  {marks[one['status']]} {one['what']:<18} {escape(one['found'])}")
            if one["cure"]:
                self.console.print(f"    [dim]{'':<18} {escape(one['cure'])}[/dim]")
        self.title("\nSettings")
        for one in document["settings"]:
            shown = one["value"] if one["set"] == "true" else f"({one['value'] or 'not set'})"
            self.console.print(f"  {one['name']:<28} {escape(shown):<28} [dim]{escape(one['what'])}[/dim]")
        verdict = "[green]All is well.[/green]" if document["ok"] else "[red]Something has to be mended; see ✗.[/red]"
        self.console.print(f"\n  {verdict}")

    @contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """Print a step with the time that its block took."""
        began = time.monotonic()
        yield
        self.step(text, time.monotonic() - began)

    def people(self, rows: list[tuple[str, str, str]]) -> None:
        """Print who may sign in: who she is, address, password."""
        wide = [max(len(row[column]) for row in rows) for column in range(2)]
        self.console.print("  Sign in as")
        for who, address, password in rows:
            line = f"  {who:<{wide[0]}}  {address:<{wide[1]}}  {password}"
            self.console.print(line, markup=False)
