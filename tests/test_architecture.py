"""The shape of the house: short files, short functions, nothing that ties it to one machine or a registry."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_A_TEMPLATE = 400, 40, 100
# Spelled in pieces, so that this file does not hold what it forbids.
FORBIDDEN = re.compile("|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs")))


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def sources() -> list[Path]:
    return [path for path in tracked("*.py") if "migrations" not in path.parts]


def test_no_file_is_too_long_to_read() -> None:
    long = {str(path.relative_to(ROOT)) for path in sources() if lines_of(path) > MOST_LINES_OF_A_FILE}
    long |= {str(path) for path in tracked("templates/*.html") if lines_of(path) > MOST_LINES_OF_A_TEMPLATE}
    assert long == set()


def test_no_function_is_too_long_to_read() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_only_the_charge_store_imports_duckdb() -> None:
    users = {
        path.relative_to(ROOT).parts[:2]
        for path in sources()
        if path.relative_to(ROOT).parts[0] not in {"tests", "benchmarks"}
        and re.search(r"^\s*(import|from) duckdb", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users == {("costs", "charge_store")}


def test_no_tracked_file_names_a_package_registry() -> None:
    named = [
        str(path) for path in tracked() if path.suffix not in {".png"} and FORBIDDEN.search(path.read_text("utf-8"))
    ]
    assert named == []


def lines_of(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")
