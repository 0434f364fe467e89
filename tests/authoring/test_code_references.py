"""Where the code of assets is: found from their functions, and linked to a repository."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import headwater as hw
from headwater.model.errors import CheckError

HERE = Path(__file__)
KEY = "headwater/code_references"
MAPPING = hw.AnchorBasedFilePathMapping(HERE, "tests/authoring/test_code_references.py")


def line_of(text: str) -> int:
    """Return the number of the first line of this file that is the text."""
    return HERE.read_text(encoding="utf-8").splitlines().index(text) + 1


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner() -> Any:
        return function()

    return inner


@hw.asset(name="plain")
def plain() -> int:
    return 1


@hw.asset(name="decorated")
@wrapped
def decorated() -> int:
    return 1


@hw.multi_asset(name="both", specs=[hw.AssetSpec("one"), hw.AssetSpec("two")])
def both() -> None: ...


@hw.op
def give() -> int:
    return 1


@hw.graph_asset(name="composed")
def composed() -> Any:
    return give()


@hw.observable_source_asset(name="seen")
def seen() -> hw.DataVersion:
    return hw.DataVersion("1")


def references(asset: Any, key: str = KEY) -> dict[str, Any]:
    """Return the code references by asset."""
    specs = [asset] if isinstance(asset, (hw.AssetSpec, hw.SourceAsset)) else asset.specs
    return {str(spec.key): list(spec.metadata[key].code_references) if key in spec.metadata else [] for spec in specs}


def local(line: str) -> hw.LocalFileCodeReference:
    return hw.LocalFileCodeReference(file_path=str(HERE), line_number=line_of(line))


@pytest.mark.parametrize(
    ("asset", "names", "line"),
    [
        (plain, ["plain"], '@hw.asset(name="plain")'),
        (decorated, ["decorated"], '@hw.asset(name="decorated")'),
        (both, ["one", "two"], '@hw.multi_asset(name="both", specs=[hw.AssetSpec("one"), hw.AssetSpec("two")])'),
        (composed, ["composed"], '@hw.graph_asset(name="composed")'),
        (seen, ["seen"], '@hw.observable_source_asset(name="seen")'),
    ],
)
def test_each_asset_points_to_the_function_that_builds_it(asset: Any, names: list[str], line: str):
    (found,) = hw.with_source_code_references([asset])
    assert references(found) == {name: [local(line)] for name in names}
    assert all(not there for there in references(asset).values())


def test_partial_functions_and_objects_that_can_be_called_have_a_place():
    class Builder:
        __name__ = "builder"

        def __call__(self) -> int:
            return 1

    def two(number: int) -> int:
        return number

    assets = [hw.asset(name="partial")(functools.partial(two, number=2)), hw.asset(name="callable")(Builder())]
    found = hw.with_source_code_references(assets)
    assert references(found[0])["partial"] == [local("    def two(number: int) -> int:")]
    assert references(found[1])["callable"] == [local("        def __call__(self) -> int:")]


def test_what_has_no_function_in_a_file_stays_as_it_is():
    scope: dict[str, Any] = {"hw": hw}
    exec("@hw.asset\ndef typed() -> int:\n    return 1\n", scope)
    given = [hw.AssetSpec("s"), hw.AssetsDefinition(specs=[hw.AssetSpec("x")]), hw.SourceAsset("src"), scope["typed"]]
    assert list(hw.with_source_code_references(given)) == given


def test_references_that_are_there_stay_and_the_same_place_comes_once():
    link = hw.UrlCodeReference(url="https://example.org", label="handbook")

    @hw.asset(metadata={**hw.CodeReferencesMetadataSet(code_references=[link]), "note": "kept"})
    def known() -> None: ...

    once = hw.with_source_code_references([known])
    (twice,) = hw.with_source_code_references(once)
    (found,) = references(twice).values()
    assert found[0] == link
    assert len(found) == 2
    assert twice.metadata_by_key[hw.AssetKey("known")]["note"] == "kept"


def test_references_under_the_key_of_a_program_written_for_dagster_stay_under_it():
    link = hw.UrlCodeReference(url="https://example.org")

    @hw.asset(metadata={"dagster/code_references": hw.CodeReferencesMetadataValue([link])})
    def known() -> None: ...

    (found,) = hw.with_source_code_references([known])
    assert len(references(found, "dagster/code_references")["known"]) == 2
    assert list(found.get_asset_spec().metadata) == ["dagster/code_references"]


def test_assets_with_references_run_as_before():
    (found,) = hw.with_source_code_references([plain])
    assert found() == 1
    assert hw.materialize([found]).asset_value("plain") == 1


def linked(asset: Any, url: str = "https://github.com/me/project", branch: str = "main", **options: Any) -> Any:
    mapping = options.pop("mapping", MAPPING)
    (found,) = hw.link_code_references_to_git([asset], url, branch, mapping, **options)
    return references(found)


LINE = line_of('@hw.asset(name="plain")')
FILE = "tests/authoring/test_code_references.py"


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("https://github.com/me/project", {}, f"https://github.com/me/project/tree/main/{FILE}#L{LINE}"),
        ("https://github.com/me/project/", {}, f"https://github.com/me/project/tree/main/{FILE}#L{LINE}"),
        ("https://github.com/me/project.git", {}, f"https://github.com/me/project/tree/main/{FILE}#L{LINE}"),
        ("git@github.com:me/project.git", {}, f"https://github.com/me/project/tree/main/{FILE}#L{LINE}"),
        ("ssh://git@github.com/me/project", {}, f"https://github.com/me/project/tree/main/{FILE}#L{LINE}"),
        ("https://gitlab.com/me/project", {}, f"https://gitlab.com/me/project/-/tree/main/{FILE}#L{LINE}"),
        ("https://git.me.org/p", {"platform": "github"}, f"https://git.me.org/p/tree/main/{FILE}#L{LINE}"),
        ("https://git.me.org/p", {"platform": "gitlab"}, f"https://git.me.org/p/-/tree/main/{FILE}#L{LINE}"),
        (
            "https://github.com/me/project",
            {"branch": "feat/x y#1"},
            f"https://github.com/me/project/tree/feat/x%20y%231/{FILE}#L{LINE}",
        ),
    ],
)
def test_places_become_links_to_the_repository(url: str, options: Any, expected: str):
    (asset,) = hw.with_source_code_references([plain])
    assert linked(asset, url, **options)["plain"] == [hw.UrlCodeReference(url=expected)]


def test_labels_and_other_references_stay_and_a_place_without_a_line_links_to_the_file():
    query = hw.LocalFileCodeReference(file_path=str(HERE.parent / "q.sql"), label="query")
    link = hw.UrlCodeReference(url="https://example.org")
    spec = hw.AssetSpec("s", metadata={**hw.CodeReferencesMetadataSet(code_references=[query, link])})
    page = hw.UrlCodeReference(url="https://github.com/me/project/tree/main/tests/authoring/q.sql", label="query")
    assert linked(spec)["s"] == [page, link]
    assert linked(hw.SourceAsset("s", metadata=spec.metadata))["s"] == [page, link]
    assert linked(plain)["plain"] == []


def test_a_file_outside_the_repository_keeps_its_local_reference():
    library = hw.LocalFileCodeReference(file_path="/usr/lib/library.py", line_number=3)
    spec = hw.AssetSpec("s", metadata={**hw.CodeReferencesMetadataSet(code_references=[library])})
    anchor = hw.AnchorBasedFilePathMapping(Path("/home/me/project/assets.py"), "assets.py")
    assert linked(spec, mapping=anchor)["s"] == [library]


def test_a_mapping_of_ones_own_decides_the_path():
    class Flat(hw.FilePathMapping):
        def convert_to_source_control_path(self, local_path: Path) -> str:
            return f"flat/{local_path.name}"

    (asset,) = hw.with_source_code_references([plain])
    (found,) = linked(asset, mapping=Flat())["plain"]
    assert found.url == f"https://github.com/me/project/tree/main/flat/{HERE.name}#L{LINE}"


@pytest.mark.parametrize(
    ("anchor", "in_repository", "file", "path"),
    [
        ("/w/p/a.py", "proj/x/a.py", "/w/p/a.py", "proj/x/a.py"),
        ("/w/p/a.py", "proj/x/a.py", "/w/p/sub/b.py", "proj/x/sub/b.py"),
        ("/w/p/a.py", "proj/x/a.py", "/w/other.py", "proj/other.py"),
        ("/w/p/a.py", "a.py", "/w/p/q/b.py", "q/b.py"),
        ("/w/p/a.py", "/a.py", "/w/p/q/b.py", "q/b.py"),
        ("/w/p/a.py", "a.py", "/w/b.py", "../b.py"),
    ],
)
def test_a_file_is_as_far_from_the_anchor_in_the_repository(anchor: str, in_repository: str, file: str, path: str):
    mapping = hw.AnchorBasedFilePathMapping(Path(anchor), in_repository)
    assert mapping.convert_to_source_control_path(Path(file)) == path


names = st.text("abc", min_size=1, max_size=3)


@given(st.lists(names, max_size=3), st.lists(names, min_size=1, max_size=4), st.lists(names, min_size=1, max_size=4))
def test_a_repository_that_is_laid_out_alike_gives_the_path_below_its_root(
    root: list[str], anchor: list[str], file: list[str]
):
    local_root = Path("/", *root)
    mapping = hw.AnchorBasedFilePathMapping(local_root.joinpath(*anchor), "/".join(anchor))
    assert mapping.convert_to_source_control_path(local_root.joinpath(*file)) == "/".join(file)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"url": "https://git.me.org/me/project"}, "platform="),
        ({"url": "https://git.me.org/me/project", "platform": "bitbucket"}, "bitbucket"),
        ({"url": ""}, "git_url"),
        ({"branch": ""}, "git_branch"),
        ({"mapping": lambda path: "x"}, "AnchorBasedFilePathMapping"),
        ({"asset": "plain"}, "has no metadata"),
    ],
)
def test_what_makes_no_link_is_refused(options: dict[str, Any], told: str):
    asset = options.pop("asset", plain)
    with pytest.raises(CheckError, match=told) as caught:
        linked(asset, **options)
    assert caught.value.fix


def test_lists_are_asked_for_and_anchors_are_paths():
    with pytest.raises(CheckError, match="list of assets"):
        hw.with_source_code_references(plain)  # type: ignore[type-var]
    with pytest.raises(CheckError, match="local_file_anchor"):
        hw.AnchorBasedFilePathMapping(None, "a.py")  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="file_anchor_path_in_repository"):
        hw.AnchorBasedFilePathMapping(HERE, "")


def test_a_folder_may_be_the_anchor(tmp_path: Path):
    mapping = hw.AnchorBasedFilePathMapping(tmp_path / "project", "src/shop")
    assert mapping.convert_to_source_control_path(tmp_path / "project" / "a" / "b.py") == "src/shop/a/b.py"
    assert mapping.convert_to_source_control_path(tmp_path / "other.py") == "src/other.py"
