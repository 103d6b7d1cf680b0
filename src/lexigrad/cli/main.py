"""The command line: one short command a verb, each of which parses, calls the library and prints.

Nothing heavy is imported before a command runs, so that ``lexigrad --help`` answers at once.
"""

from __future__ import annotations

import errno
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import click

from lexigrad import __version__
from lexigrad.cli.console import tell
from lexigrad.cli.corpus import cooccur, vocab
from lexigrad.cli.evaluate import evaluate, loss
from lexigrad.cli.explore import explore
from lexigrad.cli.hub import hub
from lexigrad.cli.plan import plan_command
from lexigrad.cli.prove import demo, gradcheck
from lexigrad.cli.sentiment import course, sentiment
from lexigrad.cli.signals import Endings
from lexigrad.cli.train import train
from lexigrad.cli.vectors import analogy, convert, index, neighbors, plot, stability
from lexigrad.errors import LexigradError, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main"]

SIGNALLED: Final = 128  # plus the signal's number: the status that a shell reports of a program that a signal stopped


class Commands(click.Group):
    """Commands in the order of their definition, whose errors end in one sentence and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command as click does, with a warning on one line; where Ray is stuck, the process ends without it."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().main(*args, **kwargs)
        except SystemExit as end:
            connecting = sys.modules.get("lexigrad.engines.ray.connection")
            if connecting is not None and isinstance(end.code, int):
                connecting.leave(end.code)
            raise

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _visible_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _visible_errors():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        endings = Endings()
        try:
            with endings:
                return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            stopped = Refusal(f"Stopped by {endings.by}; no half-written file is left behind.", interrupt)
            with suppress(OSError):  # the terminal may be gone
                click.echo("\n" + "\n".join(map(visible, stopped.lines)), err=True)
            ctx.exit(SIGNALLED + endings.signal)
        except LexigradError as error:
            raise Refusal(str(error), error) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader went away, as `head` does: click ends quietly
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise Refusal(f"{where}{error.strerror or error}", error) from error
        except UnicodeEncodeError as error:
            sentence = f"the output's encoding is {error.encoding}, which lacks a character; set PYTHONIOENCODING=utf-8"
            raise click.ClickException(sentence) from error
        except MemoryError as error:
            raise Refusal(f"not enough memory: {error}", error) from error


@contextmanager
def _visible_errors() -> Iterator[None]:
    """Let no name of a file or a word in an error tear its lines apart, or color them."""
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = "\n".join(map(visible, getattr(error, "lines", [error.message])))
        raise


class Refusal(click.ClickException):
    """What the command line says of an error: a sentence, and below it the notes that the command added."""

    def __init__(self, sentence: str, error: BaseException) -> None:
        self.lines = [sentence, *getattr(error, "__notes__", ())]
        super().__init__("\n".join(self.lines))


def _show_warning(message: Warning | str, *_where: Any, **_options: Any) -> None:
    with suppress(OSError):
        tell(f"Warning: {' '.join(str(message).split())}")  # those of other libraries may have many lines


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lexigrad")
def main() -> None:
    """Train, prove and use word vectors (word2vec).

    Standard output holds data only; progress, reports and errors go to standard error. The exit status is 0 when all
    went well, 1 when a file or a word is not as needed, 2 for wrong usage, 130 after Ctrl-C, 143 after SIGTERM.
    """


for command in (
    train,
    vocab,
    cooccur,
    neighbors,
    analogy,
    index,
    evaluate,
    loss,
    stability,
    sentiment,
    plot,
    explore,
    convert,
    hub,
    plan_command,
    gradcheck,
    course,
    demo,
):
    main.add_command(command)
