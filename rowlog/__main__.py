"""What `rowlog` and `python -m rowlog` run: little enough to be there before most Ctrl-C are."""

import signal


def main() -> None:
    """Load the program and run it; a Ctrl-C meanwhile ends it without a word.

    Where Ctrl-C is ignored, as behind `nohup` and `&`, it stays so.
    """
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from rowlog.cli import main as run

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
