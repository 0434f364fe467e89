"""Run config can be read from YAML; later files are laid over earlier ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import headwater as hw
from headwater.authoring import config_files
from headwater.model.errors import CheckError, InvariantViolationError
from headwater.model.errors.tables import LibraryNotInstalled

pytest.importorskip("yaml")


def test_later_texts_are_laid_over_earlier_ones_key_by_key():
    config = hw.config_from_yaml_strings(
        [
            "ops: {load: {config: {rows: 1, tables: [a]}}}",
            "ops: {load: {config: {tables: [b]}}, save: {config: {}}}",
        ]
    )
    assert config == {"ops": {"load": {"config": {"rows": 1, "tables": ["b"]}}, "save": {"config": {}}}}
    assert hw.config_from_yaml_strings([]) == {}


def test_what_looks_like_a_date_stays_text():
    assert hw.config_from_yaml_strings(["day: 2024-01-31"]) == {"day": "2024-01-31"}


@pytest.mark.parametrize("text", ["- 1", "", "just text"])
def test_a_text_that_is_no_mapping_is_refused(text: str):
    with pytest.raises(CheckError, match="mapping"):
        hw.config_from_yaml_strings([text])


def test_a_text_that_is_not_yaml_is_told_with_its_place():
    with pytest.raises(InvariantViolationError, match=r"text 2 is not YAML.*line 1"):
        hw.config_from_yaml_strings(["a: 1", "a: ["])


def test_files_may_be_named_by_patterns(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("limit: 1\nname: a\n")
    (tmp_path / "b.yaml").write_text("limit: 2\n")
    assert hw.config_from_files([str(tmp_path / "*.yaml")]) == {"limit": 2, "name": "a"}
    assert hw.config_from_files([str(tmp_path / "b.yaml"), str(tmp_path / "a.yaml")])["limit"] == 1
    with pytest.raises(InvariantViolationError, match="names no file"):
        hw.config_from_files([str(tmp_path / "c.yaml")])
    with pytest.raises(CheckError, match="each letter"):
        hw.config_from_files("a.yaml")


def test_files_of_packages_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "shop_with_config"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "prod.yaml").write_text("limit: 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert hw.config_from_pkg_resources([("shop_with_config", "prod.yaml")]) == {"limit": 3}
    for missing in (("shop_with_config", "dev.yaml"), ("no_such_shop", "prod.yaml")):
        with pytest.raises(InvariantViolationError, match=missing[0]):
            hw.config_from_pkg_resources([missing])
    sys.modules.pop("shop_with_config", None)


def test_a_job_runs_with_config_from_yaml():
    @hw.op(config_schema={"rows": int})
    def load(context: hw.OpExecutionContext) -> int:
        return int(context.op_config["rows"])

    @hw.job(config=hw.config_from_yaml_strings(["ops: {load: {config: {rows: 7}}}"]))
    def loading() -> None:
        load()

    assert loading.execute_in_process().output_for_node("load") == 7


def test_where_pyyaml_is_missing_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    config_files._yaml.cache_clear()
    with pytest.raises(LibraryNotInstalled, match=r"headwater\[yaml\]"):
        hw.config_from_yaml_strings(["a: 1"])
    config_files._yaml.cache_clear()


names = st.text("ab1-:. ", max_size=4)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | names,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(names, plain, max_size=3))
def test_what_yaml_wrote_is_read_as_it_was(config: dict[str, object]):
    import yaml

    assert hw.config_from_yaml_strings([yaml.safe_dump(config)]) == config
    assert hw.config_from_yaml_strings([yaml.safe_dump(config)] * 2) == config
