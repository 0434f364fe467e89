"""Resources as classes: settings, held resources, set-up and teardown, and what a run configures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

import pytest
from pydantic import PrivateAttr, ValidationError

from headwater.authoring.config import EnvVar, FrozenConfigError, InvalidConfigError, MissingEnvVar
from headwater.authoring.io_manager import IOManager
from headwater.authoring.resources import (
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    ConfigurableLegacyResourceAdapter,
    ConfigurableResource,
    ConfigurableResourceFactory,
    InitResourceContext,
    IOManagerDefinition,
    NestedResourceError,
    ResourceContextError,
    ResourceDefinition,
    ResourceDependency,
    ResourceParam,
    ResourceSession,
    build_init_resource_context,
    build_resources,
    is_resource_annotation,
    resource,
    resource_config_faults,
    resource_errors,
    wrap_resource,
)
from headwater.model.errors.definition import InvalidDefinitionError, InvalidInvocationError


class Database(ConfigurableResource):
    url: str
    pool_size: int = 1
    _log: list[str] = PrivateAttr(default_factory=list)

    def setup_for_execution(self, context: InitResourceContext) -> None:
        self._log.append(f"open {self.url}")

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        self._log.append(f"close {self.url}")

    def query(self) -> str:
        return f"{self.url}/{self.pool_size}"


class Settings(ConfigurableResource):
    name: str = "n"
    size: int = 1


class Greeting(ConfigurableResourceFactory[str]):
    name: str

    def create_resource(self, context: InitResourceContext) -> str:
        return f"hello {self.name}"


class Repository(ConfigurableResource):
    database: Database
    greeting: ResourceDependency[str] = "none"  # type: ignore[assignment]
    fallback: Optional[Settings] = None  # noqa: UP045


def opened(given: dict[str, Any], run_config: dict[str, Any] | None = None) -> Any:
    session = ResourceSession(given, run_config)
    session.open(given)
    return session.resources_for(given)


def test_a_resource_works_outside_runs_as_a_plain_object() -> None:
    assert Database(url="x").query() == "x/1"


def test_a_run_sets_a_resource_up_and_tears_it_down() -> None:
    with build_resources({"db": Database(url="x")}) as resources:
        database = resources.db
        assert database._log == ["open x"]
        assert database.get_resource_context().resource_config == {"url": "x", "pool_size": 1}
    assert database._log == ["open x", "close x"]


def test_a_run_configures_single_settings_and_the_others_stay_as_they_were_given() -> None:
    made = opened({"r": Settings(name="given")}, {"r": {"config": {"size": 5}}}).r
    assert (made.name, made.size) == ("given", 5)
    made = opened({"db": Database(url="given", pool_size=2)}, {"db": {"config": {"pool_size": 5}}}).db
    assert made.query() == "given/5"


def test_a_resource_configured_at_launch_needs_its_required_settings_from_the_run() -> None:
    partial = Database.configure_at_launch(pool_size=3)
    assert opened({"db": partial}, {"db": {"config": {"url": "late"}}}).db.query() == "late/3"
    with pytest.raises(InvalidConfigError, match=r"resources\.db\.config\.url: is missing; it must be a string"):
        opened({"db": partial})
    schema = wrap_resource(partial).config_schema
    assert {name: field.is_required for name, field in schema.fields.items()} == {"url": True, "pool_size": False}


def test_configure_at_launch_refuses_a_setting_that_does_not_exist() -> None:
    with pytest.raises(InvalidDefinitionError, match='Did you mean "pool_size"'):
        Database.configure_at_launch(pool_sise=3)


def test_a_resource_class_refuses_unknown_and_ill_typed_settings_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Database(url=3, pool_sise=2)  # type: ignore[call-arg, arg-type]
    assert caught.value.error_count() == 2


def test_settings_of_a_resource_are_fixed_and_private_attributes_are_not() -> None:
    database = Database(url="x")
    with pytest.raises(FrozenConfigError, match="PrivateAttr"):
        database.url = "y"  # type: ignore[misc]
    database._log = ["kept"]
    assert database._log == ["kept"]


def test_an_environment_variable_is_looked_up_only_when_the_resource_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(url=EnvVar("HW_URL"), pool_size=EnvVar.int("HW_SIZE"))
    assert repr(database) == 'Database(url=EnvVar("HW_URL"), pool_size=EnvVar.int("HW_SIZE"))'
    with pytest.raises(
        MissingEnvVar, match=r'resources\.db\.config\.url: the environment variable "HW_URL" is not set'
    ):
        opened({"db": database})
    monkeypatch.setenv("HW_URL", "s3cret")
    monkeypatch.setenv("HW_SIZE", "4")
    made = opened({"db": database}).db
    assert made.query() == "s3cret/4"
    assert "s3cret" not in repr(made)
    assert "s3cret" not in str(made)
    assert "s3cret" not in repr(wrap_resource(database).config_schema)


def test_a_default_may_be_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Api(ConfigurableResource):
        token: str = EnvVar("HW_TOKEN")
        headers: dict[str, str] = {}

    monkeypatch.setenv("HW_TOKEN", "t0ken")
    made = opened({"api": Api(headers={"auth": EnvVar("HW_TOKEN")})}).api
    assert (made.token, made.headers) == ("t0ken", {"auth": "t0ken"})
    assert "t0ken" not in repr(made)


def test_a_setting_from_the_environment_that_does_not_fit_is_refused_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HW_SIZE", "s3cret")
    with pytest.raises(InvalidConfigError) as caught:
        opened({"db": Database(url="x", pool_size=EnvVar.int("HW_SIZE"))})
    assert 'what the environment variable "HW_SIZE" holds is not an integer' in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_resource_held_by_value_is_set_up_before_its_holder_and_torn_down_after() -> None:
    held = Database(url="inner")
    with build_resources({"repository": Repository(database=held, greeting=Greeting(name="you"))}) as resources:
        repository = resources.repository
        assert repository.greeting == "hello you"
        assert repository.database._log == ["open inner"]
    assert repository.database._log == ["open inner", "close inner"]


def test_a_held_resource_may_be_a_function_of_the_older_style_or_any_value() -> None:
    @resource
    def shouting() -> str:
        return "HEY"

    assert opened({"r": Repository(database=Database(url="x"), greeting=shouting)}).r.greeting == "HEY"
    assert opened({"r": Repository(database=Database(url="x"), greeting="plain")}).r.greeting == "plain"


def test_a_held_resource_with_a_key_of_its_own_is_the_same_object_and_is_configured_there() -> None:
    partial = Database.configure_at_launch()
    given = {"repository": Repository(database=partial), "db": partial}
    assert wrap_resource(given["repository"]).required_keys_among({id(partial): "db"}) == {"db"}
    made = opened(given, {"db": {"config": {"url": "late"}}})
    assert made.repository.database is made.db
    assert made.db.url == "late"


def test_a_held_resource_to_be_configured_at_launch_needs_a_key_of_its_own() -> None:
    given = {"repository": Repository(database=Database.configure_at_launch())}
    assert [type(error) for error in resource_errors(given)] == [NestedResourceError]
    with pytest.raises(NestedResourceError, match="key of its own"):
        opened(given)


def test_held_resources_are_not_settings() -> None:
    assert list(wrap_resource(Repository(database=Database(url="x"))).config_schema.fields) == []
    with pytest.raises(InvalidConfigError, match="no such field"):
        opened({"r": Repository(database=Database(url="x"))}, {"r": {"config": {"databas": {}}}})


def test_a_resource_may_override_yield_for_execution() -> None:
    seen: list[str] = []

    class Connection(ConfigurableResource):
        @contextmanager
        def yield_for_execution(self, context: InitResourceContext) -> Iterator[Any]:
            seen.append("up")
            yield self
            seen.append("down")

    with build_resources({"c": Connection()}):
        assert seen == ["up"]
    assert seen == ["up", "down"]


def test_the_context_of_a_resource_is_there_only_after_its_set_up() -> None:
    with pytest.raises(ResourceContextError):
        Settings().get_resource_context()
    context = build_init_resource_context()
    assert Settings().with_replaced_resource_context(context).get_resource_context() is context


def test_process_config_and_initialize_gives_what_a_run_would(monkeypatch: pytest.MonkeyPatch) -> None:
    class Holder(ConfigurableResource):
        settings: Settings
        greeting: ResourceDependency[str]

    monkeypatch.setenv("HW_NAME", "bob")
    made = Holder(
        settings=Settings(name=EnvVar("HW_NAME")), greeting=Greeting(name="you")
    ).process_config_and_initialize()
    assert (made.settings.name, made.greeting) == ("bob", "hello you")
    assert Greeting(name="me").process_config_and_initialize() == "hello me"


def test_what_has_a_teardown_is_not_set_up_where_nothing_would_call_it() -> None:
    with pytest.raises(InvalidInvocationError, match="process_config_and_initialize_cm"):
        Database(url="x").process_config_and_initialize()
    with pytest.raises(InvalidInvocationError, match="from_resource_context_cm"):
        Database.from_resource_context(build_init_resource_context(config={"url": "x"}))
    with Database(url="x").process_config_and_initialize_cm() as database:
        assert database._log == ["open x"]
    assert database._log == ["open x", "close x"]


def test_a_function_of_the_older_style_can_make_a_resource_class() -> None:
    @resource(config_schema=Settings.to_config_schema())
    def old(context: InitResourceContext) -> Settings:
        made: Settings = Settings.from_resource_context(context)
        return made

    made = opened({"old": old}, {"old": {"config": {"size": 7}}}).old
    assert (type(made), made.name, made.size) == (Settings, "n", 7)


def test_an_init_function_with_parameters_of_its_own_still_lets_a_run_configure_the_rest() -> None:
    class Odd(ConfigurableResource):
        size: int = 1
        _extra: str = PrivateAttr(default="")

        def __init__(self, *, extra: str, **settings: Any) -> None:
            super().__init__(**settings)
            self._extra = extra

    made = opened({"odd": Odd(extra="kept")}, {"odd": {"config": {"size": 2}}}).odd
    assert (made.size, made._extra) == (2, "kept")


def test_io_managers_may_be_classes_of_settings() -> None:
    class Files(ConfigurableIOManager):
        folder: str = "out"

        def handle_output(self, context: Any, obj: Any) -> None: ...

        def load_input(self, context: Any) -> Any:
            return self.folder

    class Made(ConfigurableIOManagerFactory[Files]):
        folder: str

        def create_io_manager(self, context: InitResourceContext) -> Files:
            return Files(folder=self.folder)

        @classmethod
        def output_config_schema(cls) -> Any:
            return {"mode": str}

    made = opened({"io": Files(), "other": Made(folder="f")}, {"io": {"config": {"folder": "g"}}})
    assert isinstance(made.io, IOManager)
    assert (made.io.load_input(None), made.other.load_input(None)) == ("g", "f")
    definition = wrap_resource(Made.configure_at_launch())
    assert isinstance(definition, IOManagerDefinition)
    assert definition.output_config_schema is not None
    assert list(definition.output_config_schema.fields) == ["mode"]
    with pytest.raises(TypeError, match="abstract"):

        class Half(ConfigurableIOManager):
            def load_input(self, context: Any) -> Any: ...

        Half()  # type: ignore[abstract]


def test_a_definition_of_the_older_style_can_be_wrapped_by_a_class() -> None:
    class Wrapped(ConfigurableLegacyResourceAdapter):
        name: str

        @property
        def wrapped_resource(self) -> ResourceDefinition:
            return ResourceDefinition(lambda context: f"legacy {context.resource_config['name']}", {"name": str})

    assert opened({"w": Wrapped(name="x")}).w == "legacy x"


def test_annotations_say_which_parameters_are_resources() -> None:
    for annotation in (
        Database,
        Greeting,
        ResourceParam[str],
        ResourceDependency[str],
        Optional[Database],  # noqa: UP045
        Database | None,
        ConfigurableIOManager,
    ):
        assert is_resource_annotation(annotation), annotation
    for other in (str, int, None, Any, list[Database], "Database", dict):
        assert not is_resource_annotation(other), other


def test_the_faults_of_a_run_configuration_are_found_without_looking_up_variables() -> None:
    faults = resource_config_faults(
        {"db": Database(url=EnvVar("HW_NOT_SET")), "s": Settings()},
        {"dbb": {"config": {}}, "db": {"config": {"pool_size": "many"}}, "s": {"confg": {}}},
    )
    assert [str(fault) for fault in faults] == [
        'resources.dbb: there is no such resource. Did you mean "db"?',
        'resources.db.config.pool_size: must be an integer, but is "many" (a string).',
        'resources.s.confg: there is no such field. Did you mean "config"? It is "config".',
    ]
