"""A project's definitions are found by module, by file, by settings or by looking around; what hinders it is told."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.model.errors import CheckError, DefinitionError
from headwater.model.errors.graph import UnknownUpstream
from headwater.model.errors.project import (
    AttributeNotFound,
    NoProjectFound,
    NotDefinitions,
    NothingDeclared,
    ProjectFileNotFound,
    ProjectImportFailed,
    ProjectModuleNotFound,
    SeveralDefinitions,
    SeveralProjectsFound,
)
from headwater.runtime.project import LoadedProject, find_definitions

ASSET = (
    "from headwater.authoring.asset_decorators import asset\nfrom headwater.authoring.definitions import Definitions\n"
)
ONE = ASSET + "@asset\ndef {0}(): ...\ndefs = Definitions(assets=[{0}])\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder; what is imported from it is forgotten afterwards."""
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def package(folder: Path, **modules: str) -> Path:
    write(folder / "__init__.py", "")
    for name, text in modules.items():
        write(folder / f"{name}.py", text)
    return folder


def assets_of(loaded: LoadedProject) -> list[str]:
    return sorted(str(key) for key in loaded.definitions.resolve_all_asset_keys())


# ---------------------------------------------------------------------------------------------------- where it is found


def test_a_module_is_found_in_the_current_folder_in_the_projects_folder_and_in_src(project: Path):
    write(project / "pyproject.toml", "[tool.headwater]\n")
    write(project / "here" / "alpha.py", ONE.format("a"))
    write(project / "beta.py", ONE.format("b"))
    package(project / "src" / "gamma", definitions=ONE.format("c"))
    for module, asset in (("alpha", "a"), ("beta", "b"), ("gamma.definitions", "c")):
        loaded = find_definitions(module, start=project / "here")
        assert assets_of(loaded) == [asset]
        assert (loaded.name, loaded.module, loaded.found_by) == (module, module, "-m")
        assert loaded.settings.project_dir == project


def test_a_module_may_name_what_is_to_be_loaded(project: Path):
    write(project / "shop.py", ONE.format("a") + "other = Definitions()\n")
    assert assets_of(find_definitions("shop:defs")) == ["a"]
    assert assets_of(find_definitions("shop", attribute="other")) == []
    assert assets_of(find_definitions(file="shop.py:defs")) == ["a"]


def test_a_file_is_loaded_as_the_module_that_it_is(project: Path):
    package(project / "flow", definitions="from .keys import NAME\n" + ONE.format("a"), keys='NAME = "a"\n')
    path = project / "flow" / "definitions.py"
    loaded = find_definitions(file=path, start=project / "flow")
    assert (loaded.module, loaded.path, loaded.found_by) == ("flow.definitions", path, "-f")
    assert sys.modules["flow.definitions"].NAME == "a"


def test_a_file_may_be_a_package_itself(project: Path):
    write(project / "flow" / "__init__.py", ONE.format("a"))
    assert find_definitions(file="flow/__init__.py").module == "flow"


@pytest.mark.parametrize("name", ["my-flow.py", "json.py", "calendar.py", "2024.py"])
def test_a_file_whose_name_is_taken_or_no_name_at_all_is_loaded_all_the_same(project: Path, name: str):
    import calendar
    import json

    write(project / name, "class Row: ...\n" + ONE.format("a"))
    loaded = find_definitions(file=name)
    assert assets_of(loaded) == ["a"]
    assert loaded.name == Path(name).stem
    assert sys.modules["json"] is json
    assert sys.modules["calendar"] is calendar
    row = sys.modules[loaded.module].Row
    assert pickle.loads(pickle.dumps(row)) is row
    assert find_definitions(file=name).definitions is loaded.definitions


def test_settings_name_the_module_or_the_file(project: Path):
    path = write(project / "pyproject.toml", '[tool.headwater]\nmodule = "flow.main"\n')
    package(project / "flow", main=ONE.format("a"))
    loaded = find_definitions(start=project / "flow")
    assert (loaded.module, loaded.found_by) == ("flow.main", str(path))
    write(project / "other.py", ONE.format("b"))
    write(path, '[tool.headwater]\nfile = "other.py"\n')
    assert assets_of(find_definitions(start=project / "flow")) == ["b"]
    assert assets_of(find_definitions("flow.main")) == ["a"]


@pytest.mark.parametrize(
    "place", ["definitions.py", "defs.py", "flow/definitions.py", "src/flow/definitions.py", "src/flow/defs.py"]
)
def test_looking_around_finds_the_usual_places(project: Path, place: str):
    write(project / place, ONE.format("a"))
    write(project / "tests" / "definitions.py", "raise SystemExit")
    write(project / ".venv" / "definitions.py", "raise SystemExit")
    loaded = find_definitions()
    assert (assets_of(loaded), loaded.path, loaded.found_by) == (["a"], project / place, "looking around")


def test_looking_around_goes_up_to_the_folder_of_the_project(project: Path):
    write(project / "pyproject.toml", '[project]\nname = "flow"\n')
    package(project / "flow", definitions="import flow\n" + ONE.format("a"))
    (project / "notebooks").mkdir()
    assert find_definitions(start=project / "notebooks").module == "flow.definitions"


def test_several_places_are_listed(project: Path):
    write(project / "definitions.py", ONE.format("a"))
    write(project / "flow" / "defs.py", ONE.format("b"))
    with pytest.raises(SeveralProjectsFound, match=r"definitions\.py, flow/defs\.py") as caught:
        find_definitions()
    assert caught.value.candidates == ("definitions.py", "flow/defs.py")


def test_when_there_is_nothing_it_is_said_what_to_type(project: Path):
    with pytest.raises(NoProjectFound, match="headwater init"):
        find_definitions()
    write(project / "notes.py", "")
    write(project / "weather.py", "import headwater as hw\n")
    with pytest.raises(NoProjectFound, match=r"-f weather\.py"):
        find_definitions()


def test_a_module_and_a_file_are_not_given_together():
    with pytest.raises(CheckError, match="Leave one of them out"):
        find_definitions("a", "b.py")


# -------------------------------------------------------------------------------------------------------- what is in it


def test_one_definitions_object_counts_once_whatever_its_names(project: Path):
    write(project / "shop.py", ONE.format("a") + "everything = also = defs\n")
    assert assets_of(find_definitions("shop")) == ["a"]


def test_two_definitions_are_told_apart_by_name(project: Path):
    write(project / "shop.py", ONE.format("a") + "more = Definitions()\n")
    with pytest.raises(SeveralDefinitions, match="-m shop:more") as caught:
        find_definitions("shop")
    assert caught.value.names == ("defs", "more")
    write(project / "my-shop.py", ONE.format("a") + "more = Definitions()\n")
    with pytest.raises(SeveralDefinitions, match=r"-f my-shop\.py:more"):
        find_definitions(file="my-shop.py")


def test_parts_stand_beside_the_whole_that_they_are_merged_into(project: Path):
    parts = ASSET + "part = Definitions(is_part=True)\nwhole = Definitions.merge(part)\n"
    write(project / "shop.py", parts)
    assert not find_definitions("shop").definitions.is_part


def test_a_part_alone_is_checked_as_a_whole(project: Path):
    write(project / "shop.py", ASSET + "@asset\ndef a(nowhere): ...\npart = Definitions([a], is_part=True)\n")
    with pytest.raises(UnknownUpstream, match="nowhere"):
        find_definitions("shop")


def test_a_function_with_the_decorator_is_called_when_it_is_loaded(project: Path):
    lazy = ASSET + "from headwater.authoring.lazy_definitions import definitions\n"
    write(project / "shop.py", lazy + "@asset\ndef a(): ...\n@definitions\ndef defs(): return Definitions([a])\n")
    assert assets_of(find_definitions("shop")) == ["a"]
    write(project / "broken.py", lazy + "@definitions\ndef defs(): return Definitions([1 / 0])\n")
    with pytest.raises(ProjectImportFailed, match="ZeroDivisionError"):
        find_definitions("broken")


def test_loose_assets_make_a_project(project: Path):
    write(project / "loose.py", ASSET + "@asset\ndef a(): ...\n@asset\ndef b(a): ...\n")
    loaded = find_definitions(file="loose.py")
    assert assets_of(loaded) == ["a", "b"]
    assert not loaded.definitions.problems()


def test_loose_assets_are_checked_as_a_whole(project: Path):
    write(project / "loose.py", ASSET + "@asset\ndef orders(): ...\n@asset\ndef report(ordrs): ...\n")
    with pytest.raises(UnknownUpstream, match="orders"):
        find_definitions("loose")


def test_a_module_that_declares_nothing_is_told(project: Path):
    write(project / "empty.py", "")
    with pytest.raises(NothingDeclared, match="defs = Definitions"):
        find_definitions("empty")


def test_a_name_that_is_not_there_or_is_something_else_is_told(project: Path):
    write(project / "shop.py", ONE.format("a"))
    with pytest.raises(AttributeNotFound, match='Did you mean "defs"'):
        find_definitions("shop:def")
    with pytest.raises(NotDefinitions, match='"a" of "shop" is of type Asset'):
        find_definitions("shop:a")


# ------------------------------------------------------------------------------------------------------ what can go wrong


def test_a_module_that_is_not_there_is_told_with_the_nearest_one(project: Path):
    package(project / "flights", definitions="")
    with pytest.raises(ProjectModuleNotFound, match=r'Did you mean "flights\.definitions"'):
        find_definitions("flights.definition")
    with pytest.raises(ProjectModuleNotFound, match=r'Did you mean "flights\.definitions"'):
        find_definitions("flight.definitions")
    with pytest.raises(ProjectModuleNotFound, match='Did you mean "flights"'):
        find_definitions("flihgts")
    with pytest.raises(ProjectModuleNotFound, match="-f"):
        find_definitions("qqqqqqqq")


@pytest.mark.parametrize("name", ["", ".", ".shop", "shop.", "shop..defs", "shop/definitions.py"])
def test_what_is_no_name_of_a_module_is_told(project: Path, name: str):
    write(project / "shop.py", ONE.format("a"))
    with pytest.raises(ProjectModuleNotFound):
        find_definitions(name)


def test_a_file_that_is_not_there_is_told_with_the_nearest_one(project: Path):
    write(project / "weather.py", "")
    with pytest.raises(ProjectFileNotFound, match=r'Did you mean "weather\.py"'):
        find_definitions(file="wether.py")
    with pytest.raises(ProjectFileNotFound, match="it is a folder"):
        find_definitions(file=".")
    write(project / "notes.txt", "")
    with pytest.raises(ProjectFileNotFound, match=r"it is no \.py"):
        find_definitions(file="notes.txt")


@pytest.mark.parametrize("by_name", [True, False])
def test_an_error_in_the_users_code_is_shown_with_the_users_frames_only(project: Path, by_name: bool):
    write(project / "low.py", "def fail():\n    raise ValueError('a loss')\n")
    path = write(project / "shop-1.py" if not by_name else project / "shop.py", "import low\nlow.fail()\n")
    with pytest.raises(ProjectImportFailed) as caught:
        find_definitions("shop") if by_name else find_definitions(file=path)
    report = caught.value.report
    assert report.startswith("ValueError: a loss")
    assert [line.strip() for line in report.splitlines() if "raise" in line or ".fail()" in line] == [
        "low.fail()",
        "raise ValueError('a loss')",
    ]
    assert "importlib" not in report
    assert "runtime/project.py" not in report
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_missing_library_is_told_with_how_to_install_it(project: Path):
    write(project / "shop.py", "import nosuchlibrary.part\n")
    with pytest.raises(ProjectImportFailed, match="pip install nosuchlibrary"):
        find_definitions("shop")
    write(project / "flow.py", "import shopp\n")
    with pytest.raises(ProjectImportFailed, match='Did you mean "shop"'):
        find_definitions("flow")


def test_a_syntax_error_is_told_with_its_line(project: Path):
    write(project / "shop.py", "x = 1\ny = (\n")
    with pytest.raises(ProjectImportFailed, match=r"(?s)SyntaxError.*shop\.py\", line 2"):
        find_definitions(file="shop.py")


def test_a_script_that_exits_is_told(project: Path):
    write(project / "shop.py", "import sys\nsys.exit(0)\n")
    with pytest.raises(ProjectImportFailed, match="__main__"):
        find_definitions("shop")


def test_a_mistake_in_the_definitions_speaks_for_itself(project: Path):
    write(project / "shop.py", ASSET + "@asset\ndef a(nowhere): ...\ndefs = Definitions([a])\n")
    for _ in range(2):
        with pytest.raises(DefinitionError, match="nowhere"):
            find_definitions(file="shop.py")


def test_a_module_that_was_mended_loads(project: Path):
    for name in ("shop.py", "shop-1.py"):
        write(project / name, "1 / 0\n")
        with pytest.raises(ProjectImportFailed):
            find_definitions(file=name)
        write(project / name, ONE.format("a_longer_name"))
        assert assets_of(find_definitions(file=name)) == ["a_longer_name"]


def test_a_module_may_hold_a_repository(project: Path):
    text = "from headwater.authoring.repository import repository\n" + ASSET + "@asset\ndef orders(): ...\n"
    write(project / "definitions.py", text + "@repository\ndef shop():\n    return [orders]\n")
    assert assets_of(find_definitions()) == ["orders"]
    write(project / "two.py", text + "@repository\ndef shop():\n    return [orders]\ndefs = Definitions()\n")
    with pytest.raises(SeveralDefinitions):
        find_definitions(file="two.py")
    assert assets_of(find_definitions(file="two.py:shop")) == ["orders"]
