"""The command line: one short command a verb, each of which parses, calls the library and prints.

Nothing heavy is imported before a command runs, so that ``lexigrad --help`` answers at once.
"""

from __future__ import annotations

import errno
from typing import Any, Final

import click

from lexigrad import __version__
from lexigrad.commands.counting import cooccur
from lexigrad.commands.evaluating import evaluate
from lexigrad.commands.loss import loss
from lexigrad.commands.proving import demo, gradcheck
from lexigrad.commands.sentences import course, sentiment
from lexigrad.commands.training import train, vocab
from lexigrad.commands.vectors import analogy, convert, neighbors, plot, stability
from lexigrad.errors import LexigradError

__all__ = ["main"]

INTERRUPTED: Final = 130  # 128 + SIGINT, what a shell reports of a program stopped by Ctrl-C


class Commands(click.Group):
    """Commands in the order of their definition, whose errors end in one sentence and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nStopped by the keyboard; no half-written file is left behind.", err=True)
            ctx.exit(INTERRUPTED)
        except LexigradError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader went away, as `head` does: click ends quietly
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error
        except UnicodeEncodeError as error:
            sentence = f"the output's encoding is {error.encoding}, which lacks a character; set PYTHONIOENCODING=utf-8"
            raise click.ClickException(sentence) from error
        except MemoryError as error:
            raise click.ClickException(f"not enough memory: {error}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lexigrad")
def main() -> None:
    """Train, prove and use word vectors (word2vec).

    Standard output holds data only; progress, reports and errors go to standard error. The exit status is 0 when all
    went well, 1 when a file or a word is not as needed, 2 for wrong usage, 130 after Ctrl-C.
    """


for command in (
    train,
    vocab,
    cooccur,
    neighbors,
    analogy,
    evaluate,
    loss,
    stability,
    sentiment,
    plot,
    convert,
    gradcheck,
    course,
    demo,
):
    main.add_command(command)
