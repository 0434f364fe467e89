"""`import headwater` costs next to nothing: heavy libraries come only with the names that need them.

Counts are compared, not times, so the test says the same on every machine.
"""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "pydantic",
    "rich",
    "fastapi",
    "uvicorn",
    "pandas",
    "numpy",
    "polars",
    "pyarrow",
    "duckdb",
    "fsspec",
    "click",
    "asyncio",
    "sqlite3",
    "msgspec",
    "logging",
    "typing",
)
# What may be loaded beyond a bare interpreter, ours and others'. Raise it only with a reason.
MOST_MODULES_OF_A_BARE_IMPORT = 5
MOST_MODULES_OF_A_DECLARATION = 110
MOST_MODULES_OF_A_RUN = 305
# What the help page may load beyond a bare interpreter; click and its own imports are most of it.
MOST_MODULES_OF_THE_HELP_PAGE = 100


def modules_after(code: str) -> set[str]:
    """Return the modules that are loaded after the code beyond those of a bare interpreter, in a process of its own."""
    program = (
        f"import sys; before = set(sys.modules)\n{code}\nloaded = sorted(set(sys.modules) - before)\n"
        "import json; print(json.dumps(loaded))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def modules_of_a_bare_import() -> set[str]:
    return modules_after("import headwater")


@pytest.mark.parametrize("library", HEAVY)
def test_importing_headwater_does_not_bring_in(library: str, modules_of_a_bare_import: set[str]):
    assert library not in modules_of_a_bare_import


def test_importing_headwater_loads_few_modules(modules_of_a_bare_import: set[str]):
    assert len(modules_of_a_bare_import) <= MOST_MODULES_OF_A_BARE_IMPORT, sorted(modules_of_a_bare_import)


DECLARATION = "import headwater as hw\n@hw.asset\ndef number() -> int: return 1\nhw.Definitions(assets=[number])"


def test_declaring_an_asset_needs_neither_storage_nor_a_library_of_others():
    loaded = modules_after(DECLARATION)
    assert loaded & (set(HEAVY) - {"typing"}) == set()
    assert len(loaded) <= MOST_MODULES_OF_A_DECLARATION, sorted(loaded)


def test_running_an_asset_needs_no_pydantic_no_event_loop_and_no_data_library():
    loaded = modules_after(f"{DECLARATION}\nhw.materialize([number])")
    assert loaded & (set(HEAVY) - {"typing", "sqlite3", "msgspec", "logging"}) == set()
    assert len(loaded) <= MOST_MODULES_OF_A_RUN, sorted(loaded)


def test_the_help_page_loads_nothing_that_it_does_not_show():
    code = (
        "import io, contextlib\n"
        "from headwater.cli.main import main\n"
        "sys.argv = ['headwater', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()"
    )
    loaded = modules_after(code)
    assert loaded & {"pydantic", "rich", "fastapi", "pandas", "numpy", "polars", "pyarrow", "duckdb", "fsspec"} == set()
    assert len(loaded) <= MOST_MODULES_OF_THE_HELP_PAGE, sorted(loaded)
