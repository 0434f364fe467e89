"""How resources live: the order of set-up and teardown, failures on the way, and what is said about missing ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headwater.authoring.config import EnvVar, Field, InvalidConfigError
from headwater.authoring.resources import (
    InitResourceContext,
    InputManagerDefinition,
    IOManagerDefinition,
    MissingResourceError,
    ResourceCycleError,
    ResourceDefinition,
    ResourceSession,
    ResourceSetupError,
    ResourceTeardownError,
    UnknownResourceError,
    build_init_resource_context,
    build_resources,
    check_resource_key,
    input_manager,
    io_manager,
    make_values_resource,
    resource,
    resource_errors,
    wrap_resource,
)
from headwater.model.errors.definition import CheckError, InvalidDefinitionError, InvalidInvocationError


class Journal:
    """Writes down what its resources do; some of them fail."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def resource(
        self, name: str, needs: set[str] = frozenset(), *, breaks_up: bool = False, breaks_down: bool = False
    ) -> ResourceDefinition:
        def make(context: InitResourceContext) -> Iterator[str]:
            if breaks_up:
                raise ValueError(f"{name} does not start")
            self.lines.append(f"up {name}")
            try:
                yield name
            finally:
                self.lines.append(f"down {name}")
                if breaks_down:
                    raise OSError(f"{name} does not stop")

        return ResourceDefinition(make, required_resource_keys=needs)


def test_resources_are_set_up_after_what_they_need_and_torn_down_in_reverse() -> None:
    journal = Journal()
    given = {"a": journal.resource("a", {"b", "c"}), "b": journal.resource("b", {"c"}), "c": journal.resource("c")}
    with ResourceSession(given) as session:
        session.open(["a"])
        assert session.open_keys == ("c", "b", "a")
    assert journal.lines == ["up c", "up b", "up a", "down a", "down b", "down c"]


def test_only_what_is_asked_for_is_set_up_and_only_once() -> None:
    journal = Journal()
    with ResourceSession({"a": journal.resource("a"), "b": journal.resource("b")}) as session:
        session.open(["a"])
        session.open(["a"])
        assert journal.lines == ["up a"]
        session.open(["a", "b"])
    assert journal.lines == ["up a", "up b", "down b", "down a"]


def test_a_set_up_that_fails_tears_down_what_came_before_and_keeps_the_users_error() -> None:
    journal = Journal()
    given = {"ok": journal.resource("ok"), "bad": journal.resource("bad", {"ok"}, breaks_up=True)}
    session = ResourceSession(given)
    with pytest.raises(ResourceSetupError, match='"bad" could not be set up: ValueError') as caught:
        session.open(["bad"])
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.__cause__.__traceback__ is not None
    assert journal.lines == ["up ok", "down ok"]


def test_a_set_up_that_fails_leaves_alone_what_others_use_already() -> None:
    journal = Journal()
    given = {
        "used": journal.resource("used"),
        "needed": journal.resource("needed"),
        "bad": journal.resource("bad", {"needed", "used"}, breaks_up=True),
    }
    with ResourceSession(given) as session:
        session.open(["used"])
        with pytest.raises(ResourceSetupError):
            session.open(["bad"])
        assert journal.lines == ["up used", "up needed", "down needed"]
        assert session.open_keys == ("used",)
        assert session.resources_for(["used"]).used == "used"
    assert journal.lines[-1] == "down used"


def test_an_interrupt_while_tearing_down_waits_for_the_others() -> None:
    journal = Journal()

    @resource
    def interrupted() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    session = ResourceSession({"a": journal.resource("a"), "b": interrupted})
    session.open(["a", "b"])
    with pytest.raises(KeyboardInterrupt):
        session.close()
    assert journal.lines == ["up a", "down a"]


def test_every_teardown_is_tried_and_no_error_hides_another() -> None:
    journal = Journal()
    session = ResourceSession(
        {
            "a": journal.resource("a", breaks_down=True),
            "b": journal.resource("b"),
            "c": journal.resource("c", breaks_down=True),
        }
    )
    session.open(["a", "b", "c"])
    with pytest.raises(ResourceTeardownError) as caught:
        session.close()
    assert [key for key, _ in caught.value.errors] == ["c", "a"]
    assert journal.lines[3:] == ["down c", "down b", "down a"]
    session.close()


def test_what_fails_inside_is_raised_and_failing_teardowns_are_noted_on_it() -> None:
    journal = Journal()
    with (
        pytest.raises(KeyError) as caught,
        build_resources({"a": journal.resource("a", breaks_down=True)}),
    ):
        raise KeyError("mine")
    assert journal.lines == ["up a", "down a"]
    assert any('"a" raised OSError' in note for note in caught.value.__notes__)


def test_the_configuration_faults_of_all_resources_are_told_together_and_nothing_is_set_up() -> None:
    journal = Journal()
    given = {
        "a": ResourceDefinition(lambda context: 1, {"size": int}),
        "b": ResourceDefinition(lambda context: 1, {"name": str}),
        "c": journal.resource("c"),
    }
    with pytest.raises(InvalidConfigError) as caught:
        ResourceSession(given, {"a": {"config": {"size": "x"}}, "b": {"config": {"nam": "y"}}}).open(["c", "a", "b"])
    assert [fault.location for fault in caught.value.faults] == [
        "resources.a.config.size",
        "resources.b.config.name",
        "resources.b.config.nam",
    ]
    assert journal.lines == []


def test_a_cycle_is_reported_with_its_path() -> None:
    journal = Journal()
    given = {"a": journal.resource("a", {"b"}), "b": journal.resource("b", {"c"}), "c": journal.resource("c", {"a"})}
    with pytest.raises(ResourceCycleError, match="a -> b -> c -> a"):
        ResourceSession(given).open(["a"])
    assert [type(error) for error in resource_errors(given)] == [ResourceCycleError]


def test_a_missing_resource_is_named_with_who_needs_it_and_what_is_near() -> None:
    journal = Journal()
    given = {"loader": journal.resource("loader", {"databse"}), "database": journal.resource("database")}
    with pytest.raises(
        MissingResourceError, match=r'"databse", needed by the resource "loader".*Did you mean "database"'
    ):
        ResourceSession(given).open(["loader"])
    assert [type(error) for error in resource_errors(given)] == [MissingResourceError]


def test_a_resource_that_was_not_asked_for_is_refused_with_the_nearest_name() -> None:
    with build_resources({"warehouse": 1, "slack": 2}) as resources:
        assert resources.warehouse == 1
        assert resources._asdict() == {"warehouse": 1, "slack": 2}
        assert list(resources) == [1, 2]
        with pytest.raises(UnknownResourceError) as caught:
            resources.warehose  # noqa: B018
        assert not hasattr(resources, "other")
    text = str(caught.value)
    assert 'Did you mean "warehouse"?' in text
    assert 'required_resource_keys={"warehose"}' in text


def test_bare_objects_are_resources_as_they_are_even_if_they_are_context_managers() -> None:
    class Connection:
        entered = False

        def __enter__(self) -> Connection:
            self.entered = True
            return self

        def __exit__(self, *error: object) -> None: ...

    connection = Connection()
    with build_resources({"connection": connection, "kind": Connection}) as resources:
        assert resources.connection is connection
        assert resources.kind is Connection
    assert not connection.entered


def test_a_function_may_take_the_context_or_nothing_and_yield_or_return_or_be_a_context_manager() -> None:
    @resource
    def plain() -> int:
        return 1

    @resource
    def told(init_context: InitResourceContext) -> Any:
        return init_context.resources

    @resource(required_resource_keys={"plain"}, description="d", version="2")
    @contextmanager
    def managed(context: InitResourceContext) -> Iterator[int]:
        yield context.resources.plain + 1

    with build_resources({"plain": plain, "told": told, "managed": managed}) as resources:
        assert (resources.plain, resources.managed) == (1, 2)
        assert resources.told._asdict() == {}
    assert (managed.description, managed.version, managed.required_resource_keys) == ("d", "2", {"plain"})


def test_a_function_is_told_its_configuration_its_run_and_a_log() -> None:
    @resource(config_schema={"size": int, "name": Field(str, default_value="n")})
    def told(context: InitResourceContext) -> Any:
        assert context.run is None
        assert context.run_id is None
        context.log.info("set up")
        return context.resource_config

    with build_resources({"told": told}, resource_config={"told": {"config": {"size": 1}}}) as resources:
        assert resources.told == {"size": 1, "name": "n"}
    with build_resources({"told": told}, run_config={"resources": {"told": {"config": {"size": 2}}}}) as resources:
        assert resources.told == {"size": 2, "name": "n"}


def test_a_definition_can_be_called_in_a_test() -> None:
    @resource(config_schema={"size": int}, required_resource_keys={"other"})
    def made(context: InitResourceContext) -> Any:
        return context.resource_config["size"] + context.resources.other

    @resource
    def generator() -> Iterator[int]:
        yield 3

    assert made(build_init_resource_context(config={"size": 2}, resources={"other": 3})) == 5
    with pytest.raises(InvalidConfigError, match="must be an integer"):
        made(build_init_resource_context(config={"size": "x"}))
    with generator() as value:
        assert value == 3
    assert ResourceDefinition.hardcoded_resource(4)(None) == 4
    with pytest.raises(InvalidInvocationError):
        generator(None)


def test_a_context_for_tests_tears_down_its_resources_when_it_is_left() -> None:
    journal = Journal()
    with build_init_resource_context(resources={"a": journal.resource("a")}) as context:
        assert context.resources.a == "a"
        assert context.replace_config({"n": 1}).resource_config == {"n": 1}
    assert journal.lines == ["up a", "down a"]


def test_an_environment_variable_as_a_resource_is_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW_X", "x")
    with build_resources({"x": EnvVar("HW_X")}) as resources:
        assert resources.x == "x"


def test_ready_made_definitions() -> None:
    given = {
        "none": ResourceDefinition.none_resource(),
        "text": ResourceDefinition.string_resource(),
        "mock": ResourceDefinition.mock_resource(),
        "values": make_values_resource(size=int),
        "any_values": make_values_resource(),
    }
    run_config = {
        "text": {"config": "hello"},
        "values": {"config": {"size": 1}},
        "any_values": {"config": {"x": "y"}},
    }
    with build_resources(given, resource_config=run_config) as resources:
        assert resources.none is None
        assert resources.text == "hello"
        resources.mock.anything().goes()
        assert (resources.values, resources.any_values) == ({"size": 1}, {"x": "y"})


def test_configured_gives_a_resource_its_configuration_or_a_smaller_one() -> None:
    @resource(config_schema={"size": int, "name": Field(str, default_value="n")})
    def base(context: InitResourceContext) -> Any:
        return context.resource_config

    fixed = base.configured({"size": 1})
    small = base.configured(lambda config: {"size": config["half"] * 2}, config_schema={"half": int})
    smaller = small.configured({"half": 4})
    with build_resources(
        {"fixed": fixed, "small": small, "smaller": smaller}, resource_config={"small": {"config": {"half": 3}}}
    ) as resources:
        assert [value["size"] for value in resources] == [1, 6, 8]
    with pytest.raises(InvalidConfigError, match=r"configured\.size: must be an integer"):
        base.configured({"size": "x"})
    with pytest.raises(InvalidConfigError, match="half"):
        ResourceSession({"small": small}).open(["small"])


def test_io_managers_and_input_managers_are_definitions_of_resources() -> None:
    @io_manager(config_schema={"folder": str}, output_config_schema={"mode": str})
    def files(context: InitResourceContext) -> Any:
        return context.resource_config["folder"]

    @input_manager
    def loads(context: Any) -> str:
        return f"loaded {context}"

    @input_manager(input_config_schema={"n": int})
    def loads_alone() -> str:
        return "alone"

    assert isinstance(files, IOManagerDefinition)
    assert files.output_config_schema is not None
    assert isinstance(loads, InputManagerDefinition)
    with build_resources({"io": files.configured({"folder": "f"}), "loads": loads, "alone": loads_alone}) as resources:
        assert resources.io == "f"
        assert resources.loads.load_input("x") == "loaded x"
        assert resources.alone.load_input("x") == "alone"
    assert loads_alone.input_config_schema is not None


def test_mistakes_in_definitions_are_told_at_once() -> None:
    with pytest.raises(CheckError, match="letters"):
        ResourceDefinition(lambda: 1, required_resource_keys="db")
    with pytest.raises(CheckError, match="hardcoded_resource"):
        ResourceDefinition(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidDefinitionError, match="2 arguments"):
        resource(lambda context, other: 1)
    with pytest.raises(InvalidDefinitionError, match="Python name"):
        check_resource_key("my-db")


def test_wrapping_a_definition_gives_it_back() -> None:
    definition = ResourceDefinition.none_resource()
    assert wrap_resource(definition) is definition


def test_resources_of_the_older_style_need_no_pydantic() -> None:
    program = (
        "import sys\n"
        "from headwater.authoring.resources import resource, build_resources, ResourceParam, is_resource_annotation\n"
        "from headwater.authoring.config import Field\n"
        "made = resource(config_schema={'a': Field(int, default_value=1)})(lambda context: context.resource_config)\n"
        "with build_resources({'made': made, 'bare': object()}) as resources:\n"
        "    assert resources.made == {'a': 1}\n"
        "assert is_resource_annotation(ResourceParam[int]) and not is_resource_annotation(int)\n"
        "assert 'pydantic' not in sys.modules and 'typing_extensions' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
