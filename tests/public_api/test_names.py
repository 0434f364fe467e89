"""The public names are there, are typed and documented, and carry the parameters that the field knows."""

import inspect

import pytest

import headwater as hw
from tests.public_api.names import (
    ASSET_EXECUTION_CONTEXT,
    ASSET_PARAMETERS,
    DOCUMENTED,
    EXECUTE_IN_PROCESS_RESULT,
    FIRST,
    INSTANCE,
    METADATA_KINDS,
)


@pytest.mark.parametrize("name", FIRST)
def test_a_name_is_there_and_says_what_it_is(name: str):
    public = getattr(hw, name)
    documentation = inspect.getdoc(public)
    assert documentation, f"{name} has no docstring"
    # A dataclass without a docstring is given its own signature for one.
    assert not documentation.startswith(f"{name}("), f"{name} has no docstring of its own"
    assert name in hw.__all__
    assert name in dir(hw)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_public_member_says_what_it_is(name: str):
    undocumented = []
    for cls in getattr(hw, name).__mro__:
        for member, given in vars(cls).items() if cls.__module__.startswith("headwater.") else ():
            function = given.fget if isinstance(given, property) else getattr(given, "__func__", given)
            if not member.startswith("_") and inspect.isfunction(function) and not inspect.getdoc(function):
                undocumented.append(f"{cls.__name__}.{member}")
    assert undocumented == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_public_method_is_typed(name: str):
    untyped = []
    for member, given in vars(getattr(hw, name)).items():
        function = given.fget if isinstance(given, property) else getattr(given, "__func__", given)
        if not member.startswith("_") and inspect.isfunction(function):
            wanted = {*list(inspect.signature(function).parameters)[not isinstance(given, staticmethod) :], "return"}
            if missing := wanted - set(function.__annotations__):
                untyped.append(f"{member}: {sorted(missing)}")
    assert untyped == []


def test_all_is_sorted_without_repeats_and_every_name_in_it_can_be_had():
    assert list(hw.__all__) == sorted(set(hw.__all__))
    assert [name for name in hw.__all__ if not hasattr(hw, name)] == []


def test_a_name_that_is_not_there_is_told_with_the_nearest_one():
    with pytest.raises(AttributeError, match="materialize"):
        _ = hw.materialise


def test_the_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert hw.__version__ == version("headwater")


def test_no_public_name_carries_another_brand():
    assert [name for name in hw.__all__ if "dagster" in name.lower()] == []


@pytest.mark.parametrize("kind", METADATA_KINDS)
def test_metadata_values_are_made_for_every_kind(kind: str):
    assert callable(getattr(hw.MetadataValue, kind))


def members_of(cls: type) -> set[str]:
    # Attributes of a class with slots or annotations count as well as those set on the class.
    return set(dir(cls)) | {name for each in cls.__mro__ for name in getattr(each, "__annotations__", {})}


@pytest.mark.parametrize("name", ASSET_EXECUTION_CONTEXT)
def test_an_asset_context_gives(name: str):
    assert name in members_of(hw.AssetExecutionContext)


@pytest.mark.parametrize("name", INSTANCE)
def test_an_instance_answers(name: str):
    assert name in members_of(hw.Instance)


@pytest.mark.parametrize("name", EXECUTE_IN_PROCESS_RESULT)
def test_the_result_of_a_run_in_process_tells(name: str):
    @hw.asset
    def number() -> int:
        return 1

    result = hw.materialize([number], instance=hw.Instance.ephemeral())
    assert hasattr(result, name)


@pytest.mark.parametrize("name", ASSET_PARAMETERS)
def test_an_asset_takes(name: str):
    assert name in inspect.signature(hw.asset).parameters
