"""What `python -m rowlog` runs: the same program as `rowlog`."""

from rowlog.cli import main

if __name__ == "__main__":
    main()
