"""ConfigurableResource and its kin: resources as classes whose fields are settings and other resources.

This and `configurable_io` are imported only when a program touches such a class, since they need pydantic.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Generic, Self, cast

from pydantic import PrivateAttr
from typing_extensions import TypeVar

from headwater.authoring.config.env_var import holds_env_var
from headwater.authoring.config.example import example_text
from headwater.authoring.config.model_schema import is_resource_field, schema_of_model
from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.pydantic_config import Config, examine_object, input_key, resolved_copy
from headwater.authoring.config.schema import NO_VALUE, ConfigSchema, with_implicit_default
from headwater.authoring.resources.definition import ResourceDefinition, context_manager_of
from headwater.authoring.resources.init_context import InitResourceContext
from headwater.authoring.resources.normalized import keys_by_identity, wrap_resource
from headwater.model.errors.config import config_error
from headwater.model.errors.definition import InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.resources import NestedResourceError, ResourceContextError
from headwater.model.errors.root import did_you_mean

ResourceValue = TypeVar("ResourceValue", default=Any)


class ConfigurableResourceFactory(Config, Generic[ResourceValue]):
    """A class of settings that makes a resource of another type by `create_resource`.

    Fields are settings, or other resources given by value (a resource class, or ResourceDependency[T]). Settings may be
    EnvVars, and may be left to a run's configuration; `configure_at_launch` leaves required ones to it too.
    """

    __headwater_resource__: ClassVar[bool] = True
    _resource_context: InitResourceContext | None = PrivateAttr(default=None)

    def create_resource(self, context: InitResourceContext) -> ResourceValue:
        """Return the resource that code receives."""
        raise NotImplementedError(f"{type(self).__name__} says by create_resource(context) what it makes")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Prepare, before the resource is made: open what it holds, and keep it in private attributes."""

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        """Close what `setup_for_execution` opened. Called also when what used the resource failed."""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Generator[ResourceValue]:
        """Set up, give the resource, and tear down. Override it where a `with` reads better than the two methods."""
        self.setup_for_execution(context)
        try:
            yield self.create_resource(context)
        finally:
            self.teardown_after_execution(context)

    def get_resource_context(self) -> InitResourceContext:
        """Return the context of the set-up. Raises ResourceContextError when it was not set up."""
        if self._resource_context is None:
            raise ResourceContextError(type(self).__name__)
        return self._resource_context

    def with_replaced_resource_context(self, resource_context: InitResourceContext) -> Self:
        """Return a copy whose `get_resource_context` answers with this context."""
        copied = self.model_copy()
        copied._resource_context = resource_context
        return copied

    @classmethod
    def configure_at_launch(cls, **kwargs: Any) -> PartialResource[Self]:
        """Return a resource whose settings beyond `kwargs` are given by each run's configuration."""
        return PartialResource(cls, kwargs)

    def get_resource_definition(self) -> ResourceDefinition:
        """Return the definition that a run sets up."""
        return self.definition_of(self)

    @classmethod
    def definition_of(cls, resource: ConfigurableResourceFactory[Any] | PartialResource[Any]) -> ResourceDefinition:
        """Return the definition of an object of this class, or of one to be configured at launch."""
        return ConfigurableResourceDefinition(resource)

    def process_config_and_initialize(self) -> ResourceValue:
        """Return the resource as a run would get it: variables looked up, held resources made, set up.

        Raises InvalidInvocationError when it has a teardown; then use `process_config_and_initialize_cm`.
        """
        self._refuse_teardown("process_config_and_initialize_cm")
        ready = {
            name: value.process_config_and_initialize()
            if isinstance(value, ConfigurableResourceFactory)
            else wrap_resource(value)()
            for name, value in held_resources(self).items()
        }
        context = InitResourceContext()
        built = resolved_copy(self, None, type(self).__name__, ready).with_replaced_resource_context(context)
        built.setup_for_execution(context)
        return built.create_resource(context)

    @contextmanager
    def process_config_and_initialize_cm(self) -> Generator[ResourceValue]:
        """Give the resource as a run would get it, and tear it down after. For use outside runs."""
        definition = self.get_resource_definition()
        config = definition.resolve(NO_VALUE, type(self).__name__)
        with ExitStack() as stack:
            made = definition.make(InitResourceContext(config))
            manager = context_manager_of(made)
            yield made if manager is None else stack.enter_context(manager)

    @classmethod
    def from_resource_context(
        cls, context: InitResourceContext, nested_resources: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the resource that the configuration of `context` describes, for functions in the older style.

        Raises InvalidInvocationError when it has a teardown; then use `from_resource_context_cm`.
        """
        built = cls._from_config(context, nested_resources)
        built._refuse_teardown("from_resource_context_cm")
        built.setup_for_execution(context)
        return built.create_resource(context)

    @classmethod
    @contextmanager
    def from_resource_context_cm(
        cls, context: InitResourceContext, nested_resources: Mapping[str, Any] | None = None
    ) -> Generator[Any]:
        """Give the resource that the configuration of `context` describes, and tear it down after."""
        with cls._from_config(context, nested_resources).yield_for_execution(context) as value:
            yield value

    @classmethod
    def _from_config(cls, context: InitResourceContext, nested: Mapping[str, Any] | None) -> Self:
        built: Self = _built(cls, context.resource_config or {}, cls.__name__, nested or {})
        return built.with_replaced_resource_context(context)

    def _refuse_teardown(self, instead: str) -> None:
        has_own = type(self).teardown_after_execution is not ConfigurableResourceFactory.teardown_after_execution
        if has_own or type(self).yield_for_execution is not ConfigurableResourceFactory.yield_for_execution:
            raise InvalidInvocationError(
                what=f"{type(self).__name__} has a teardown, and nothing would call it here.",
                why="What it opens would stay open.",
                fix=f"Use {instead}() in a with statement.",
            )


class ConfigurableResource(ConfigurableResourceFactory[ResourceValue], Generic[ResourceValue]):
    """A class of settings that is itself the resource: its methods are what code calls.

    Outside runs it works as it stands: `Warehouse(path="x.db").query(...)`, where EnvVars are not looked up unless
    `process_config_and_initialize` is asked to.
    """

    def create_resource(self, context: InitResourceContext) -> ResourceValue:
        """Return the resource itself."""
        return cast(ResourceValue, self)


ResourceT = TypeVar("ResourceT", bound=ConfigurableResourceFactory[Any], default=Any)


class PartialResource(Generic[ResourceT]):
    """A resource class with some of its settings; a run's configuration gives the rest. See `configure_at_launch`."""

    __headwater_deferred__ = True

    def __init__(self, resource_cls: type[ResourceT], data: Mapping[str, Any]) -> None:
        for name in data:
            if name not in resource_cls.model_fields and resource_cls.model_config.get("extra") != "allow":
                raise InvalidDefinitionError(
                    what=f'{resource_cls.__name__}.configure_at_launch was given "{name}", which is not a field of it.',
                    why="It could never be used.",
                    fix=f"{did_you_mean(name, resource_cls.model_fields)}".rstrip(),
                )
        self.resource_cls = resource_cls
        self.data = dict(data)

    def get_resource_definition(self) -> ResourceDefinition:
        """Return the definition that a run configures and sets up."""
        return self.resource_cls.definition_of(self)

    def __repr__(self) -> str:
        return f"{self.resource_cls.__name__}.configure_at_launch({', '.join(self.data)})"


def held_resources(resource: ConfigurableResourceFactory[Any] | PartialResource[Any]) -> dict[str, Any]:
    """Return the resources that a resource holds by value and that must be made before it, by field."""
    if isinstance(resource, PartialResource):
        values = resource.data
    else:
        values = {name: getattr(resource, name) for name in type(resource).model_fields}
    kinds = (ConfigurableResourceFactory, PartialResource, ResourceDefinition)
    return {name: value for name, value in values.items() if isinstance(value, kinds)}


def _built(
    cls: type[ConfigurableResourceFactory[Any]], values: Mapping[str, Any], path: str, ready: Mapping[str, Any]
) -> Any:
    built, faults, _ = examine_object(cls, values, path, resolve_env=True, ready=ready)
    if faults or built is None:
        raise config_error(faults, example=example_text(schema_of_model(cls)))
    return built


class _LaunchConfig(dict[str, Any]):
    """The resolved configuration of a resource class, and beside it what the run gave, of which the object is made."""

    def __init__(self, resolved: Mapping[str, Any], overrides: Mapping[str, Any], path: str) -> None:
        super().__init__(resolved)
        self.overrides = overrides
        self.path = path


class ConfigurableResourceDefinition(ResourceDefinition):
    """The definition of a resource given as an object of a resource class."""

    def __init__(self, resource: ConfigurableResourceFactory[Any] | PartialResource[Any]) -> None:
        super().__init__(self._hold)
        self.resource = resource
        self.resource_cls: type[ConfigurableResourceFactory[Any]] = (
            resource.resource_cls if isinstance(resource, PartialResource) else type(resource)
        )
        self._description = schema_of_model(self.resource_cls).description
        self.inner_config_schema = self._schema()

    @property
    def name(self) -> str:
        """What messages call it: the name of its class."""
        return self.resource_cls.__name__

    def _given(self) -> dict[str, Any]:
        """Return the settings that were given with the object, by the names that a configuration gives them."""
        fields = self.resource_cls.model_fields
        if isinstance(self.resource, PartialResource):
            return {
                input_key(name, fields[name]) if name in fields else name: v for name, v in self.resource.data.items()
            }
        values = {name: getattr(self.resource, name) for name in fields}
        given = {
            input_key(name, fields[name]): value
            for name, value in values.items()
            if name in self.resource.model_fields_set or holds_env_var(value)
        }
        return {**given, **(self.resource.model_extra or {})}

    def _schema(self) -> ConfigSchema:
        base, given = schema_of_model(self.resource_cls), self._given()
        fields = {
            key: replace(field, is_required=False, default=plain_config(given[key])) if key in given else field
            for key, field in base.fields.items()
        }
        return with_implicit_default(replace(base, fields=fields, model=None, is_required=True, default=NO_VALUE))

    def required_keys_among(self, key_by_identity: Mapping[int, str]) -> frozenset[str]:
        """Return the keys of the resources that it holds by value, and that are provided under keys of their own."""
        keys: set[str] = set()
        for name, held in held_resources(self.resource).items():
            if id(held) in key_by_identity:
                keys.add(key_by_identity[id(held)])
            elif isinstance(held, PartialResource):
                raise NestedResourceError(self.name, name, held.resource_cls.__name__)
            else:
                keys |= wrap_resource(held).required_keys_among(key_by_identity)
        return frozenset(keys)

    def resolve(self, given: Any, path: str, *, resolve_env: bool = True) -> Any:
        """Return the resolved settings as a mapping. Raises InvalidConfigError with every fault."""
        for stage in self.stages:
            given = stage.apply(given, path, resolve_env=resolve_env)
        overrides = {} if given is NO_VALUE or given is None else given
        mapping = overrides if isinstance(overrides, Mapping) else None
        held = held_resources(self.resource)
        fields = self.resource_cls.model_fields
        settings = {
            key: value
            for key, value in self._given().items()
            if key not in {input_key(name, fields[name]) for name in held if name in fields}
        }
        built, faults, _ = examine_object(
            self.resource_cls,
            overrides if mapping is None else {**settings, **mapping},
            path,
            resolve_env=resolve_env,
            ready=dict.fromkeys(held) if mapping is not None else None,
        )
        if faults or built is None:
            raise config_error(faults, example=example_text(self.inner_config_schema))
        settings_fields = {name: info for name, info in fields.items() if not is_resource_field(info)}
        resolved = {input_key(name, info): getattr(built, name) for name, info in settings_fields.items()}
        return _LaunchConfig({**resolved, **(built.model_extra or {})}, mapping or {}, path)

    def _hold(self, context: InitResourceContext) -> AbstractContextManager[Any]:
        return self._held(context)

    @contextmanager
    def _held(self, context: InitResourceContext) -> Generator[Any]:
        config = context.resource_config
        overrides = config.overrides if isinstance(config, _LaunchConfig) else (config or {})
        path = config.path if isinstance(config, _LaunchConfig) else self.name
        with ExitStack() as stack:
            ready = self._ready(context, stack)
            if isinstance(self.resource, PartialResource):
                given = {key: value for key, value in self._given().items() if key not in ready}
                built = _built(self.resource_cls, {**given, **overrides}, path, ready)
            else:
                built = resolved_copy(self.resource, overrides, path, ready)
            built = built.with_replaced_resource_context(context)
            yield stack.enter_context(built.yield_for_execution(context))

    def _ready(self, context: InitResourceContext, stack: ExitStack) -> dict[str, Any]:
        """Return what the held resources make: taken from the run where they have a key, else made here."""
        key_by_identity = keys_by_identity(context.original_resource_dict)
        ready: dict[str, Any] = {}
        for name, held in held_resources(self.resource).items():
            key = key_by_identity.get(id(held))
            if key is not None:
                ready[name] = getattr(context.resources, key)
                continue
            if isinstance(held, PartialResource):
                raise NestedResourceError(self.name, name, held.resource_cls.__name__)
            definition = wrap_resource(held)
            inner = context.replace_config(definition.resolve(NO_VALUE, f"{self.name}.{name}"))
            made = definition.make(inner)
            manager = context_manager_of(made)
            ready[name] = made if manager is None else stack.enter_context(manager)
        return ready
