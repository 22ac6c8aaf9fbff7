"""Asks a process for its health: `python -m channels.metrics.probe URL`, for images without curl.

Ends with exit code 0 if the answer is 200, else with 1 and the answer.
"""

import sys
import urllib.error
import urllib.request

#: Seconds until no answer is an answer.
TIMEOUT_S = 5.0


def ask(url: str) -> tuple[bool, str]:
    """Return whether all is well, and what was answered."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as response:
            return True, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return False, error.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return False, f"{url}: {error}\n"


def main() -> int:
    """Run the command; return its exit code."""
    if len(sys.argv) != 2:
        print("usage: python -m channels.metrics.probe URL", file=sys.stderr)
        return 2
    is_good, text = ask(sys.argv[1])
    print(text, end="")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
