"""Run the one to three tests again that failed in the last run, alone: `python -m tests.again`.

Eleven thousand tests on two busy cores meet a stall of some seconds now and then, and one that waits for a real
process may fail for that alone. Whoever fails again, alone, has found a fault; whoever passes is named, so that it is
mended too. More than three failures are never put down to the machine.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 3


def main() -> int:
    """The exit code: 0 if each of those tests passes alone."""
    failed: list[str] = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 1 <= len(failed) <= MOST:
        print(f"{len(failed)} tests failed; only 1 to {MOST} are run again.")
        return 1
    for name in failed:
        print(f"Failed beside the others, now again alone: {name}", flush=True)
        command = [
            "-m",
            "pytest",
            "--thorough",
            "--hypothesis-profile=full",
            "-p",
            "no:cacheprovider",
            name,
        ]
        if subprocess.run([sys.executable, *command], check=False).returncode:
            return 1
    print(f"Passed alone, after a failure beside the others: {', '.join(failed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
