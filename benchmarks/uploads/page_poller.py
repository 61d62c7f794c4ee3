"""Requests the page repeatedly until its input ends; prints the milliseconds of each request."""

import json
import select
import sys

from benchmarks.uploads.__main__ import page_latency


def main() -> None:
    """Run beside the uploads, in a process of its own."""

    def busy() -> bool:
        return not select.select([sys.stdin], [], [], 0)[0]

    print(json.dumps(page_latency(sys.argv[1], busy)))


if __name__ == "__main__":
    main()
