"""Where the command `alertbot` begins (also `python -m alertbot`)."""

import gc


def main() -> None:
    """Load the command line with the garbage collector at rest: while a program loads, everything it
    makes is kept, and looking for garbage is a tenth of a short command's time. Commands that open the
    database wake it again (`cli.frame.with_app`)."""
    gc.disable()
    from alertbot.cli import program

    program()


if __name__ == "__main__":
    main()
