"""The alias: Dagster's names on Headwater, how it is put in, and what is said of names that it does not have."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import headwater as hw
from headwater.compat import dagster as dg
from headwater.compat.dagster.names import OWN, RENAMED, UNCOVERED

# What `dir(dagster)` of Dagster 1.13 gives, without modules.
DAGSTER_NAMES = (Path(__file__).parent / "dagster_names.txt").read_text().split()

PROGRAM = """
import sys
import dagster as dg
from dagster import asset, materialize


@asset
def numbers() -> list[int]:
    return [1, 2, 3]


@asset
def total(numbers: list[int]) -> int:
    return sum(numbers)


defs = dg.Definitions(assets=[numbers, total])

if __name__ == "__main__":
    result = materialize([numbers, total])
    print("total", result.output_for_node("total"), type(defs).__module__, *sys.argv[1:])
"""


def run_python(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, env={**os.environ, **env}, check=False
    )


def run_here(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_python("-c", "from headwater.compat import dagster\n" + textwrap.dedent(code), cwd=cwd)


# ----------------------------------------------------------------------------------------------------------- names


def test_every_public_name_of_dagster_is_given_or_named_as_not_covered() -> None:
    missing = [name for name in DAGSTER_NAMES if name not in UNCOVERED and not hasattr(dg, name)]
    assert missing == []
    for name in UNCOVERED:
        with pytest.raises(AttributeError, match="does not cover"):
            getattr(dg, name)


def test_what_is_renamed_is_our_own_and_nothing_is_named_twice() -> None:
    for theirs, ours in RENAMED.items():
        assert getattr(dg, theirs) is getattr(hw, ours), theirs
    assert not set(RENAMED) & set(OWN)
    assert not set(UNCOVERED) & {*RENAMED, *OWN}
    assert set(UNCOVERED) <= set(DAGSTER_NAMES)


def test_errors_are_caught_under_dagsters_names() -> None:
    @dg.asset
    def adrift(nowhere: int) -> int:
        return nowhere

    parts = dg.Definitions(assets=[adrift])
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="nowhere"):
        dg.Definitions.validate_loadable(parts)
    assert issubclass(dg.DagsterResourceFunctionError, dg.DagsterUserCodeExecutionError)
    assert issubclass(dg.DagsterInvalidDefinitionError, dg.DagsterError)


def test_metadata_sets_write_dagsters_prefix_and_both_are_read() -> None:
    assert dict(dg.TableMetadataSet(row_count=3)).keys() == {"dagster/row_count"}
    assert hw.TableMetadataSet.extract(dict(dg.TableMetadataSet(row_count=3))).row_count == 3


# --------------------------------------------------------------------------------------------------- putting it in


def test_an_unknown_name_and_an_uncovered_one_are_told_apart(tmp_path: Path) -> None:
    unknown = run_here("dagster.install()\nfrom dagster import asets", tmp_path)
    uncovered = run_here("dagster.install()\nfrom dagster import AutoMaterializePolicy", tmp_path)
    assert 'There is no "asets" in "dagster"' in unknown.stderr
    assert 'Did you mean "asset"?' in unknown.stderr
    assert "that Headwater does not cover" in uncovered.stderr
    assert "Use AutomationCondition" in uncovered.stderr


# What a program asks for that is not there, and what it is told.
MISSING = {
    "from dagster import NoSuchThing": 'There is no "NoSuchThing" in "dagster": neither Dagster',
    "import dagster; dagster.asets": 'neither Dagster 1.13.28 nor Headwater, which .* Did you mean "asset"\\?$',
    "from dagster import AutoMaterializePolicy": "that Headwater does not cover: .* Use AutomationCondition",
    "import dagster; dagster.AutoMaterializePolicy": "that Headwater does not cover: .* Use AutomationCondition",
    "from dagster._core.definitions import AutoMaterializePolicy": "does not cover: .* Use AutomationCondition",
    "from dagster._core.definitions import Whatever": 'is private to Dagster. .* "Whatever" is none of them',
    "from dagster._core.definitions.assets import assett": 'is none of them. Did you mean "asset"\\?$',
    "import dagster._core.definitions as inner; inner.assett": 'is none of them. Did you mean "asset"\\?$',
    "from dagster.components import Componen": 'no "Componen" in "dagster.components": .* Did you mean "Component"',
    "import dagster._cli": 'The module "dagster._cli" is private to Dagster',
    "from dagster import _cli": '"dagster._cli" is private to Dagster',
    "import dagster.nothing": 'There is no module "dagster.nothing"',
    "from dagster.nothing import asset": 'There is no module "dagster.nothing"',
    "import dagster_aws": '"dagster_aws" is an integration of Dagster that Headwater does not cover',
    "from dagster_dbt.core import DbtProject": '"dagster_dbt" is an integration of Dagster that .* dagster_duckdb_polars',
    "import dagster_webserver": "is a part of Dagster's own processes",
    "import dagster_snowflak": 'There is no package "dagster_snowflak" here, .* Did you mean "dagster_snowflake"',
    "from dagster_duckdb import DuckDBResourc": 'no "DuckDBResourc" for "dagster_duckdb". Did you mean "DuckDBResource"',
}


def test_what_is_not_there_is_told_by_the_reason(tmp_path: Path) -> None:
    ended = run_here(
        f"""
        import json
        dagster.install()
        said = {{}}
        for code in {list(MISSING)!r}:
            try:
                exec(code, {{}})
            except (ImportError, AttributeError) as error:
                said[code] = str(error)
        print(json.dumps(said))
        """,
        tmp_path,
    )
    said = json.loads(ended.stdout)
    assert {code: re.search(words, said.get(code, "")) and True for code, words in MISSING.items()} == dict.fromkeys(
        MISSING, True
    ), said


def test_private_modules_give_public_names_and_nothing_else(tmp_path: Path) -> None:
    good = run_here(
        """
        dagster.install()
        from dagster._core.definitions.metadata import MetadataValue
        from dagster._core.errors import DagsterInvalidAssetKey
        from dagster import DagsterError
        assert issubclass(DagsterInvalidAssetKey, DagsterError)
        """,
        tmp_path,
    )
    bad = run_here("dagster.install()\nfrom dagster._core.definitions import Whatever", tmp_path)
    assert good.returncode == 0, good.stderr
    assert "Whatever" in bad.stderr


def test_a_program_may_ask_whether_a_module_is_there(tmp_path: Path) -> None:
    ended = run_here(
        """
        import importlib
        from importlib.util import find_spec
        dagster.install()
        assert find_spec("dagster") and find_spec("dagster_duckdb") and find_spec("dagster.components")
        assert [find_spec(name) for name in ("dagster_dbt", "dagster.nothing")] == [None, None]
        for name in ("dagster_dbt", "dagster_dbt.core", "dagster.nothing", "dagster._cli"):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                continue
            raise SystemExit(name)
        import dagster as dg
        assert dg.components.Component is dg.Component
        """,
        tmp_path,
    )
    assert ended.returncode == 0, ended.stderr


def test_every_name_comes_with_a_star_and_means_the_same_through_both_doors(tmp_path: Path) -> None:
    assert set(DAGSTER_NAMES) - set(UNCOVERED) - set(dir(dg)) == {"TYPE_CHECKING"}
    ended = run_here(
        """
        names = dir(dagster)
        here = {name: getattr(dagster, name) for name in names}
        dagster.install()
        import dagster as alias
        # Once more, since a module of the package that has been imported would stand in a name's place.
        assert [name for name in names if not here[name] is getattr(dagster, name) is getattr(alias, name)] == []
        """,
        tmp_path,
    )
    assert ended.returncode == 0, ended.stderr


def test_definitions_are_checked_when_they_are_loaded_as_a_repository() -> None:
    @dg.asset(required_resource_keys={"warehouse"})
    def stored() -> None: ...

    defs = dg.Definitions(assets=[stored])
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="warehouse"):
        defs.get_repository_def()


def test_an_integration_that_is_not_covered_is_named(tmp_path: Path) -> None:
    ended = run_here("dagster.install()\nimport dagster_snowflake", tmp_path)
    assert '"dagster_snowflake" is an integration of Dagster that Headwater does not cover' in ended.stderr


def test_a_program_runs_unchanged_with_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    ended = run_python("-m", "headwater.compat.dagster", "program.py", "a", "b", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "total 6 headwater.compat.dagster.late_definitions a b"
    as_module = run_python("-m", "headwater.compat.dagster", "-m", "program", "c", cwd=tmp_path)
    assert as_module.stdout.strip().endswith("c"), as_module.stderr


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = run_python("-m", "headwater.compat.dagster", "nothing.py", cwd=tmp_path)
    assert ended.returncode == 2
    assert "There is no file 'nothing.py'" in ended.stderr
    (tmp_path / "empty").mkdir()
    for module in ("nothing", "nothing.inside", "empty.nothing"):
        ended = run_python("-m", "headwater.compat.dagster", "-m", module, cwd=tmp_path)
        assert ended.returncode == 2
        assert ended.stderr.strip() == f"There is no module {module!r} to run, here or installed."


def test_an_integration_that_comes_before_dagster_is_named_where_neither_is_installed(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text("import dagster_dbt\nimport dagster as dg\n")
    ended = run_python(
        "-c", "from headwater.cli.main import main; main(['asset', 'list', '-f', 'project.py'])", cwd=tmp_path
    )
    assert '"dagster_dbt" is an integration of Dagster that Headwater does not cover' in ended.stderr


def test_putting_the_alias_in_loads_no_more_than_its_own_few_modules(tmp_path: Path) -> None:
    ended = run_python(
        "-c",
        "import sys, headwater; before = set(sys.modules)\n"
        "import headwater.compat.dagster as alias; alias.install(); import dagster\n"
        "print(*sorted(set(sys.modules) - before))",
        cwd=tmp_path,
    )
    loaded = {name for name in ended.stdout.split() if name.partition(".")[0] not in ("importlib", "warnings")}
    assert loaded == {"dagster", "headwater.compat", "headwater.compat.dagster", "headwater.compat.dagster.aliases"}


def test_what_is_put_in_can_be_taken_out_and_put_in_twice(tmp_path: Path) -> None:
    ended = run_here(
        """
        import sys
        dagster.install(); dagster.install()
        import dagster as dg
        assert dagster.is_installed() and dg.DagsterInstance is not None
        dagster.uninstall()
        assert not dagster.is_installed() and "dagster" not in sys.modules
        """,
        tmp_path,
    )
    assert ended.returncode == 0, ended.stderr


def test_the_alias_refuses_to_stand_beside_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "dagster.py").write_text("")
    ended = run_here("import dagster as real\nfrom headwater.compat.dagster import install\ninstall()", tmp_path)
    assert "The real Dagster is imported in this process already" in ended.stderr


def test_the_command_line_stands_in_where_dagster_is_not_installed_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "definitions.py").write_text(PROGRAM)
    ended = run_python("-m", "headwater.cli.main", "materialize", "total", cwd=tmp_path)
    listed = run_python("-c", "from headwater.cli.main import main; main(['asset', 'list'])", cwd=tmp_path)
    assert "total" in listed.stdout, ended.stderr + listed.stderr
    assert "dagster is not installed: Headwater stands in for it" in listed.stderr


def test_a_test_suite_runs_on_headwater_with_one_option(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "test_program.py").write_text(
        "import dagster as dg\nfrom program import numbers, total\n\n\n"
        "def test_total():\n    assert dg.materialize([numbers, total]).output_for_node('total') == 6\n"
    )
    ended = run_python(
        *("-m", "pytest", "-p", "headwater.compat.dagster.pytest_plugin", "--headwater-as-dagster", "."),
        cwd=tmp_path,
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Headwater stands in for it" in ended.stdout


# ------------------------------------------------------------------------------------------------------ components


def test_components_can_be_declared_and_an_error_names_what_would_have_to_act() -> None:
    class Sales(dg.Component, dg.Resolvable):
        def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
            return dg.Definitions()

    assert Sales is not None
    with pytest.raises(dg.DagsterError, match="load_from_defs_folder"):
        dg.load_from_defs_folder(path_within_project=Path())
