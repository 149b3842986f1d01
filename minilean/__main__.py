"""Command line of minilean: `python -m minilean {repl, check FILE, check --jsonl FILE, export}`."""
import sys

from minilean.front.cli import main

if __name__ == "__main__":
    sys.exit(main())
