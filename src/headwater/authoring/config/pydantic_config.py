"""Config classes: settings as pydantic models, and pydantic as the judge of what is given for them.

Imported only when a program touches Config or a resource class: pydantic costs more to import than all the rest.
The promise: an EnvVar stands for any field until `resolve`, and then no message, repr or cause holds its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, PrivateAttr, ValidationError
from pydantic_core import CoreSchema, core_schema

from headwater.authoring.config.env_var import env_var_name_in, holds_env_var, is_env_var
from headwater.authoring.config.example import example_text, shown
from headwater.authoring.config.model_schema import fields_to_fill, input_key, schema_of_model
from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.resolve import fits_scalar, look_up, unknown_field
from headwater.authoring.config.schema import NO_VALUE, SCALAR_KINDS, ConfigKind, ConfigSchema
from headwater.model.errors.config import ConfigFault, FrozenConfigError, config_error
from headwater.model.errors.root import did_you_mean

ModelT = TypeVar("ModelT", bound=BaseModel)
__all__ = [
    "Config",
    "PermissiveConfig",
    "build_config_object",
    "config_dict_of",
    "examine_model_config",
    "examine_object",
    "input_key",
    "resolved_copy",
    "schema_of_model",
]


class Ready:
    """Wraps a value that its field takes as it is, without validation: one that was made by a resource."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _let_pass(value: Any, validate: Callable[[Any], Any]) -> Any:
    if isinstance(value, Ready):
        return value.value
    if isinstance(value, BaseModel):
        return validate(value)
    if getattr(value, "__headwater_deferred__", False) is True or holds_env_var(value):
        return value
    return validate(value)


def _with_deferred_values(schema: CoreSchema) -> None:
    """Make every field of a model schema take an EnvVar or an unbuilt resource, before any validator sees it."""
    inner: Any = schema
    while inner is not None and inner.get("type") != "model-fields":
        inner = inner.get("schema")
    for name, model_field in (inner or {"fields": {}})["fields"].items():
        holder = model_field
        if model_field["schema"]["type"] == "default":
            holder = model_field["schema"]
        # A literal may be the tag of a discriminated union, which pydantic must be able to read off the schema.
        if holder["schema"]["type"] == "literal" or holder["schema"].get("metadata", {}).get("headwater_deferred"):
            continue
        holder["schema"] = core_schema.no_info_wrap_validator_function(
            _let_pass, holder["schema"], metadata={"headwater_deferred": name}
        )
        if holder is model_field and _is_nullable(holder["schema"]):
            # Optional[int] without a default may be left out, as config fields always could; it is then None.
            model_field["schema"] = core_schema.with_default_schema(holder["schema"], default=None)


def _is_nullable(schema: Any) -> bool:
    while schema["type"].startswith("function-") and "schema" in schema:
        schema = schema["schema"]
    return bool(schema["type"] == "nullable")


class Config(BaseModel):
    """Settings of an asset, op, resource or schedule, as a frozen pydantic model. Unknown fields are refused.

    Declare a subclass with typed fields, and annotate a parameter `config: MyConfig`. In a run configuration, an enum
    is written by its name (or value), a discriminated union as {"tag": {...}} (or flat with its tag), and any scalar
    may be {"env": "NAME"}.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        ignored_types=(cached_property,),
        protected_namespaces=(),
    )
    __headwater_resource__: ClassVar[bool] = False
    _shown_in_place: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _with_deferred_values(handler.resolve_ref_schema(schema))
        return schema

    @classmethod
    def to_config_schema(cls) -> ConfigSchema:
        """Return what the class declares as a `config_schema`, for definitions in the older style."""
        return schema_of_model(cls)

    @classmethod
    def to_fields_dict(cls) -> dict[str, Any]:
        """Return the schema of each field by the name that a configuration gives it."""
        return dict(schema_of_model(cls).fields)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            if any(fault["type"] == "frozen_instance" for fault in error.errors(include_input=False)):
                raise FrozenConfigError(type(self).__name__, name, is_resource=self.__headwater_resource__) from None
            raise

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        hidden = getattr(self, "_shown_in_place", None) or {}
        for name, value in super().__repr_args__():
            yield name, hidden.get(name or "", value)


class PermissiveConfig(Config):
    """A Config that also takes fields it does not declare; they become attributes."""

    model_config = ConfigDict(extra="allow")


def build_config_object(
    cls: type[ModelT], raw: Mapping[str, Any] | BaseModel | None, path: str = "config", *, resolve_env: bool = True
) -> ModelT:
    """Return the object of `cls` that the plain mapping `raw` describes.

    Raises InvalidConfigError with every fault (MissingEnvVar when unset variables are the only ones). With
    `resolve_env=False` variables remain EnvVars in the object.
    """
    instance, faults, _ = examine_object(cls, raw, path, resolve_env=resolve_env)
    if faults or instance is None:
        raise config_error(faults, example=example_text(schema_of_model(cls)))
    return instance


def examine_model_config(
    cls: type[BaseModel], raw: Any, path: str, *, resolve_env: bool
) -> tuple[Any, list[ConfigFault]]:
    """Return the resolved fields of `cls` as a mapping, and the faults in place of raising them."""
    instance, faults, prepared = examine_object(cls, raw, path, resolve_env=resolve_env)
    if instance is None:
        return prepared, faults
    return (config_dict_of(instance) if not faults else prepared), faults


def examine_object(
    cls: type[ModelT], raw: Any, path: str, *, resolve_env: bool, ready: Mapping[str, Any] | None = None
) -> tuple[ModelT | None, list[ConfigFault], Any]:
    """Return the object (None if pydantic refused it), the faults found, and what was handed to pydantic.

    `ready` holds values by field name that are taken as they are: resources that were already made.
    """
    if isinstance(raw, cls) and not (resolve_env and holds_env_var(raw)) and not ready:
        return raw, [], raw
    if isinstance(raw, BaseModel):
        raw = _field_values(raw)
    schema = schema_of_model(cls)
    walk = _Preparation(resolve_env)
    if raw is None or raw is NO_VALUE:
        raw = {}
    if not isinstance(raw, Mapping):
        return None, [ConfigFault(path, f"must be a mapping, but is {shown(raw)}.")], raw
    prepared = walk.prepare(schema, raw, path)
    for name, value in (ready or {}).items():
        prepared[input_key(name, cls.model_fields[name])] = Ready(value)
    instance: ModelT | None = None
    try:
        instance = _validated(cls, prepared)
    except ValidationError as error:
        walk.take(error, schema, prepared, path)
    if instance is not None:
        _remember_env(instance, walk.seen, path)
    return instance, walk.faults, prepared


def _validated(cls: type[ModelT], values: Mapping[str, Any]) -> ModelT:
    """Return an instance with the values validated, past any `__init__` of the user's with parameters of its own."""
    instance = cls.__new__(cls)
    cls.__pydantic_validator__.validate_python(dict(values), self_instance=instance)
    return instance


def _remember_env(instance: BaseModel, seen: Mapping[str, tuple[Any, Any]], path: str) -> None:
    """Note the fields whose value came from a variable, so that a repr shows its name."""
    if not isinstance(instance, Config) or not seen:
        return
    for name, info in type(instance).model_fields.items():
        prefix = f"{path}.{input_key(name, info)}"
        below = [variable for location, (variable, _) in seen.items() if is_at_or_below(location, prefix)]
        if below:
            instance._shown_in_place[name] = below[0] if prefix in seen else "..."
            inner = getattr(instance, name)
            if isinstance(inner, Config):
                _remember_env(inner, seen, prefix)
                del instance._shown_in_place[name]


def is_at_or_below(location: str, prefix: str) -> bool:
    """Return whether a location is the one of `prefix`, or one inside it."""
    return location == prefix or location.startswith((f"{prefix}.", f"{prefix}["))


class _Preparation:
    """Turns what a person wrote into what pydantic takes, and what pydantic says into faults."""

    def __init__(self, resolve_env: bool) -> None:
        self.resolve_env = resolve_env
        self.faults: list[ConfigFault] = []
        self.seen: dict[str, tuple[Any, Any]] = {}

    def prepare(self, schema: ConfigSchema | None, value: Any, path: str) -> Any:
        named = env_var_name_in(value) if is_env_var(value) or (schema is not None and schema.accepts_env) else None
        if named is not None:
            return self.variable(schema, value, path)
        if isinstance(value, BaseModel):
            return (
                self.prepare(schema, _field_values(value), path) if self.resolve_env and holds_env_var(value) else value
            )
        if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
            value = value.item()
        kind = schema.kind if schema is not None else ConfigKind.ANY
        if schema is not None and kind is ConfigKind.NULLABLE:
            return None if value is None else self.prepare(schema.item, value, path)
        if schema is not None and kind in SCALAR_KINDS and not fits_scalar(kind, value):
            self.faults.append(ConfigFault(path, f"must be {schema.label}, but is {shown(value)}."))
        elif schema is not None and kind is ConfigKind.ENUM and isinstance(value, str):
            return next((choice.value for choice in schema.choices if choice.text == value), value)
        elif schema is not None and kind is ConfigKind.SELECTOR and isinstance(value, Mapping):
            return self.selector(schema, value, path)
        elif isinstance(value, Mapping):
            prepared = {key: self.prepare(_below(schema, key), item, f"{path}.{key}") for key, item in value.items()}
            for key in fields_to_fill(schema) if schema is not None and schema.model is not None else ():
                prepared.setdefault(key, {})
            return prepared
        elif isinstance(value, list | tuple):
            item = schema.item if schema is not None and kind is ConfigKind.ARRAY else None
            parts = [self.prepare(item, part, f"{path}[{index}]") for index, part in enumerate(value)]
            return parts if isinstance(value, list) else tuple(parts)
        return value

    def selector(self, schema: ConfigSchema, value: Mapping[str, Any], path: str) -> Any:
        tag_field = schema.discriminator or ""
        if tag_field in value:
            inner = schema.fields.get(str(getattr(value[tag_field], "name", value[tag_field])))
            return self.prepare(inner, value, path)
        if len(value) == 1 and (name := next(iter(value))) in schema.fields:
            content = self.prepare(schema.fields[name], value[name] or {}, f"{path}.{name}")
            return {tag_field: schema.discriminator_values[name], **content} if isinstance(content, dict) else content
        names = ", ".join(f'"{name}"' for name in schema.fields)
        given = ", ".join(f'"{name}"' for name in value) or "none"
        hint = did_you_mean(next(iter(value)), schema.fields) if len(value) == 1 else ""
        self.faults.append(ConfigFault(path, f"must have exactly one of {names}, but has {given}.", hint.rstrip()))
        return value

    def variable(self, schema: ConfigSchema | None, value: Any, path: str) -> Any:
        from headwater.authoring.config.env_var import EnvVar

        written = value if is_env_var(value) else EnvVar(env_var_name_in(value) or "")
        if not self.resolve_env:
            self.seen[path] = (written, None)
            return written
        while schema is not None and schema.kind is ConfigKind.NULLABLE:
            schema = schema.item
        known = schema if schema is not None and schema.kind in SCALAR_KINDS else None
        resolved, fault = look_up(written, path, known)
        if fault:
            self.faults.append(fault)
            self.seen[path] = (written, None)
            return written
        self.seen[path] = (written, resolved)
        return resolved

    def take(self, error: ValidationError, schema: ConfigSchema, given: Any, path: str) -> None:
        """Add what pydantic found, but for places that already have a fault or whose variable is not known yet."""
        at_fault = {fault.location for fault in self.faults}
        unknown = {place for place, (_, resolved) in self.seen.items() if resolved is None}
        for found in error.errors(include_url=False):
            location = _location(path, found["loc"])
            if any(is_at_or_below(location, place) for place in at_fault | unknown):
                continue
            self.faults.append(self.fault_of(found, schema, location))

    def fault_of(self, found: Any, schema: ConfigSchema, location: str) -> ConfigFault:
        parent, leaf = _walk_down(schema, found["loc"])
        while found["type"] != "missing" and leaf is not None and leaf.kind is ConfigKind.NULLABLE:
            leaf = leaf.item
        match found["type"]:
            case "missing":
                label = leaf.label if leaf is not None else "given"
                return ConfigFault(location, f"is missing; it must be {label}.")
            case "extra_forbidden" if parent is not None:
                name = str(found["loc"][-1])
                return unknown_field(parent, name, location.removesuffix(f".{name}"), {})
            case kind:
                message = found["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
                secrets = [
                    (variable, resolved)
                    for place, (variable, resolved) in self.seen.items()
                    if is_at_or_below(place, location) or is_at_or_below(location, place)
                ]
                for variable, resolved in secrets:
                    if resolved not in (None, ""):
                        message = message.replace(str(resolved), f"<{env_var_name_in(variable)}>")
                if kind in ("value_error", "assertion_error"):
                    return ConfigFault(location, f"{message}.")
                if secrets:
                    named = ", ".join(f'"{env_var_name_in(variable)}"' for variable, _ in secrets)
                    return ConfigFault(location, f"what the environment variable {named} holds is refused: {message}.")
                if leaf is not None and leaf.kind is ConfigKind.ENUM:
                    text = found["input"] if isinstance(found["input"], str) else ""
                    hint = did_you_mean(text, (choice.text for choice in leaf.choices)).rstrip()
                    return ConfigFault(location, f"must be {leaf.label}, but is {shown(found['input'])}.", hint)
                return ConfigFault(location, f"{message[:1].lower()}{message[1:]}, but is {shown(found['input'])}.")


def _below(schema: ConfigSchema | None, key: Any) -> ConfigSchema | None:
    if schema is None:
        return None
    return schema.item if schema.kind is ConfigKind.MAP else schema.fields.get(key)


def _location(path: str, loc: tuple[int | str, ...]) -> str:
    return path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _walk_down(schema: ConfigSchema, loc: tuple[int | str, ...]) -> tuple[ConfigSchema | None, ConfigSchema | None]:
    """Return the schemas at the last place but one and at the last place of `loc`; None where nothing is known."""
    parent: ConfigSchema | None = None
    here: ConfigSchema | None = schema
    for part in loc:
        while here is not None and here.kind is ConfigKind.NULLABLE:
            here = here.item
        parent = here
        here = here.item if here is not None and isinstance(part, int) else _below(here, part)
    return parent, here


def _field_values(instance: BaseModel) -> dict[str, Any]:
    """Return the values of an instance by the names that a configuration gives them, extra ones too."""
    values = {input_key(name, info): getattr(instance, name) for name, info in type(instance).model_fields.items()}
    return {**values, **(instance.model_extra or {})}


def config_dict_of(instance: BaseModel) -> dict[str, Any]:
    """Return an instance as the plain mapping that a run configuration holds, from which an equal one can be built.

    Enums are their names, discriminated unions {"tag": {...}}, EnvVars {"env": "NAME"}; an optional field that is None
    by default and is None is left out.
    """
    schema = schema_of_model(type(instance))
    return _fields_as_config(schema, _field_values(instance))


def _fields_as_config(schema: ConfigSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in values.items():
        inner = schema.fields.get(key)
        if inner is None and not schema.is_open:
            continue
        if value is None and inner is not None and inner.default is None:
            continue
        plain[key] = _as_config(inner, value)
    return plain


def _as_config(schema: ConfigSchema | None, value: Any) -> Any:
    while schema is not None and schema.kind is ConfigKind.NULLABLE:
        schema = schema.item
    if schema is not None and not is_env_var(value):
        if schema.kind is ConfigKind.SELECTOR and isinstance(value, BaseModel):
            values = _field_values(value)
            tag = values.pop(schema.discriminator or "", NO_VALUE)
            name = next((text for text, known in schema.discriminator_values.items() if known == tag), str(tag))
            return {name: _fields_as_config(schema.fields[name], values)}
        if schema.kind is ConfigKind.ARRAY and isinstance(value, list | tuple | set | frozenset):
            return [_as_config(schema.item, item) for item in value]
        if schema.kind is ConfigKind.MAP and isinstance(value, Mapping):
            return {key: _as_config(schema.item, item) for key, item in value.items()}
    return plain_config(value)


def resolved_copy(
    instance: ModelT,
    overrides: Mapping[str, Any] | None,
    path: str,
    ready: Mapping[str, Any] | None = None,
) -> ModelT:
    """Return a copy with a run's overrides taken in, every environment variable looked up, and `ready` put in place.

    Raises InvalidConfigError with every fault.
    """
    cls = type(instance)
    if not overrides and not holds_env_var(_plain_fields(instance, ready)):
        return instance.model_copy(update=dict(ready or {}))
    given = _field_values(instance)
    defaults = {
        input_key(name, info) for name, info in cls.model_fields.items() if name not in instance.model_fields_set
    }
    kept = {key: value for key, value in given.items() if key not in defaults or holds_env_var(value)}
    for name in ready or {}:
        kept.pop(input_key(name, cls.model_fields[name]), None)
    built, faults, _ = examine_object(cls, {**kept, **(overrides or {})}, path, resolve_env=True, ready=ready)
    if faults or built is None:
        raise config_error(faults, example=example_text(schema_of_model(cls)))
    if cls.__pydantic_custom_init__ and instance.__pydantic_private__ and built.__pydantic_private__ is not None:
        # Its own __init__ may have filled private attributes; it is not called again with arguments it may not take.
        shown_in_place = built.__pydantic_private__.get("_shown_in_place", {})
        built.__pydantic_private__.update(instance.__pydantic_private__)
        built.__pydantic_private__["_shown_in_place"] = shown_in_place
    return built


def _plain_fields(instance: BaseModel, ready: Mapping[str, Any] | None) -> list[Any]:
    return [value for name, value in vars(instance).items() if name not in (ready or {})]
