"""Run as a program of its own: JSON on standard input, a template's PDF on standard output. Knows nothing else."""

import sys
from pathlib import Path

import typst


def main() -> None:
    """Compile the template named on the command line. It may read nothing but its own folder, and no network."""
    template = Path(sys.argv[1])
    data = sys.stdin.buffer.read().decode()
    sys.stdout.buffer.write(typst.compile(template, root=template.parent, format="pdf", sys_inputs={"data": data}))


if __name__ == "__main__":
    main()
