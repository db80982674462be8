"""python -m qqgroup_sync."""

from qqgroup_sync.cli import main

if __name__ == "__main__":
    main(prog_name="python -m qqgroup_sync")
