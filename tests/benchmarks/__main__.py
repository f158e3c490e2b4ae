"""All benchmarks, one after the other, on a machine that does nothing else.

python tests/benchmarks                    # without optic: drift spec is left out
python tests/benchmarks --optic PATH       # npm install @useoptic/optic
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optic", help="the optic command, to compare drift spec with")
    optic = parser.parse_args().optic
    missed = []
    for name in ("startup", "validation", "replay", "suite", "rehearsal", *(["drift_spec"] if optic else [])):
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        script = Path(__file__).with_name(f"{name}.py")
        more = ["--optic", optic] if name == "drift_spec" else []
        if subprocess.run([sys.executable, script, *more], check=False).returncode:
            missed.append(name)
    sys.stdout.write(f"missed: {', '.join(missed)}\n" if missed else "every figure reached\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
