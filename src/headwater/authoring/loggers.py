"""Loggers that users define: where else, besides the step's log, what a step says should go."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, overload

from headwater.authoring.config import (
    NO_VALUE,
    AnonymousConfigurable,
    ConfigSchema,
    ConfigStage,
    Field,
    examine_config,
    resolve_through,
    schema_of,
)
from headwater.model.errors.config import ConfigFault, InvalidConfigError
from headwater.model.errors.definition import InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.root import did_you_mean, kind_of

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance

_LEVEL_NAMES: Final = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")


class InitLoggerContext:
    """What a logger's function is called with: its configuration, and for which run and job it is made."""

    __slots__ = ("job_def", "logger_config", "logger_def", "run_id")

    def __init__(
        self,
        logger_config: Any = None,
        logger_def: LoggerDefinition | None = None,
        job_def: Any = None,
        run_id: str | None = None,
    ) -> None:
        self.logger_config = logger_config
        self.logger_def = logger_def
        self.job_def = job_def
        self.run_id = run_id


InitLoggerFunction = Callable[[InitLoggerContext], logging.Logger]


class LoggerDefinition(AnonymousConfigurable):
    """How a logger is made: a function from an InitLoggerContext to a logging.Logger, and its configuration."""

    def __init__(
        self, logger_fn: InitLoggerFunction, config_schema: Any = None, description: str | None = None
    ) -> None:
        if not callable(logger_fn):
            raise InvalidDefinitionError(
                what=f"{logger_fn!r} was given as a logger's function.",
                why="It cannot be called to make the logger.",
                fix="Write @logger above a function of one argument that returns a logging.Logger.",
            )
        self.logger_fn = logger_fn
        self.description = description
        self._schema = schema_of(config_schema)
        self._stages: tuple[ConfigStage, ...] = ()

    @property
    def config_schema(self) -> ConfigSchema:
        return self._stages[0].schema if self._stages else self._schema

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Self:
        copy = type(self)(self.logger_fn, None, description or self.description)
        copy._schema = self._schema
        copy._stages = (stage, *self._stages)
        return copy

    def open(
        self, config: Any = NO_VALUE, *, name: str = "logger", job_def: Any = None, run_id: str | None = None
    ) -> logging.Logger:
        """Return the logger for this configuration. Raises InvalidConfigError, and InvalidDefinitionError if the
        function returns no logger."""
        resolved = resolve_through(self._stages, self._schema, config, f"loggers.{name}.config")
        made = self.logger_fn(InitLoggerContext(resolved, self, job_def, run_id))
        if not isinstance(made, logging.Logger):
            raise InvalidDefinitionError(
                what=f'The function of the logger "{name}" returned {kind_of(made)}.',
                why="Only a logging.Logger can be handed what steps say.",
                fix="Return a logging.Logger from it.",
            )
        return made

    def __call__(self, context: InitLoggerContext | None = None) -> logging.Logger:
        """Return the logger, for tests; `build_init_logger_context` makes a context with a configuration."""
        given = context if context is not None else InitLoggerContext(NO_VALUE)
        if not isinstance(given, InitLoggerContext):
            raise InvalidInvocationError(
                what=f"A logger was called with {given!r}.",
                why="It is called with what it is made for.",
                fix="Call it with build_init_logger_context(logger_config={...}).",
            )
        config = NO_VALUE if given.logger_config is None else given.logger_config
        return self.open(config, job_def=given.job_def, run_id=given.run_id)


@overload
def logger(config_schema: Callable[[InitLoggerContext], logging.Logger], /) -> LoggerDefinition: ...


@overload
def logger(
    config_schema: Any = None, description: str | None = None
) -> Callable[[Callable[[InitLoggerContext], logging.Logger]], LoggerDefinition]: ...


def logger(config_schema: Any = None, description: str | None = None) -> Any:
    """Decorate a function of an InitLoggerContext that returns a logging.Logger, with or without arguments."""
    if callable(config_schema) and not isinstance(config_schema, type) and not isinstance(config_schema, Field):
        return LoggerDefinition(config_schema, None, description or config_schema.__doc__)
    return lambda function: LoggerDefinition(function, config_schema, description or function.__doc__)


def build_init_logger_context(logger_config: Any = None, job_def: Any = None) -> InitLoggerContext:
    """Return a context with which a logger definition can be called in a test."""
    return InitLoggerContext(logger_config, job_def=job_def)


def logger_faults(definitions: Mapping[str, LoggerDefinition], section: Any) -> list[ConfigFault]:
    """Return what is wrong with the "loggers" part of a run's configuration."""
    if not isinstance(section, Mapping):
        return [ConfigFault("loggers", "must be a mapping from logger name to its config.")]
    faults: list[ConfigFault] = []
    for name, given in section.items():
        at = f"loggers.{name}"
        if name not in definitions:
            faults.append(ConfigFault(at, "there is no such logger.", did_you_mean(name, definitions).rstrip()))
        elif given is not None and not isinstance(given, Mapping):
            faults.append(ConfigFault(at, 'must be a mapping such as {"config": {...}}.'))
        else:
            config = NO_VALUE if given is None else given.get("config", NO_VALUE)
            schema = definitions[name].config_schema
            faults.extend(examine_config(schema, config, f"{at}.config", resolve_env=False)[1])
    return faults


def open_loggers(
    definitions: Mapping[str, LoggerDefinition],
    config: Mapping[str, Any] | None = None,
    *,
    job_def: Any = None,
    run_id: str | None = None,
) -> list[logging.Logger]:
    """Return the loggers of a run. `config` is the "loggers" part of a run's configuration: {name: {"config": ...}}.

    With a configuration, the loggers that it names are opened; without one, all that need none.
    Raises InvalidConfigError for a name that is not defined or a configuration that does not fit.
    """
    if config:
        for name in config:
            if name not in definitions:
                raise InvalidDefinitionError(
                    what=f'The configuration has a logger "{name}", which is not defined.',
                    why="It is not known what it would write to.",
                    fix=did_you_mean(name, definitions) + f'Define it with loggers={{"{name}": ...}}.',
                )
        return [
            definitions[name].open(
                NO_VALUE if given is None else given.get("config", NO_VALUE), name=name, job_def=job_def, run_id=run_id
            )
            for name, given in config.items()
        ]
    opened = []
    for name, definition in definitions.items():
        try:
            opened.append(definition.open(name=name, job_def=job_def, run_id=run_id))
        except InvalidConfigError:
            # It asks for a configuration, and none was given: it is left for runs that have one.
            continue
    return opened


class ConsoleHandler(logging.Handler):
    """Writes to stderr as it is at the time, past the capture of step logs, which have every record already."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = getattr(sys.stderr, "uncaptured", sys.stderr)
            stream.write(self.format(record) + "\n")
            stream.flush()
        except RecursionError:
            raise
        except Exception:
            self.handleError(record)


class ConsoleFormatter(logging.Formatter):
    """Time, logger, level, run and step, message; the level in colour on a terminal."""

    COLOURS: Final[Mapping[int, str]] = {
        logging.DEBUG: "\033[32m",
        logging.INFO: "\033[34m",
        logging.WARNING: "\033[33m",
        logging.ERROR: "\033[31m",
        logging.CRITICAL: "\033[1;31m",
    }

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname
        is_terminal = getattr(sys.stderr, "isatty", bool)()
        if is_terminal and record.levelno in self.COLOURS:
            level = f"{self.COLOURS[record.levelno]}{level}\033[0m"
        meta = getattr(record, "headwater_meta", None) or {}
        owner = [str(meta[key]) for key in ("run_id", "step_key") if meta.get(key)]
        when = self.formatTime(record, "%Y-%m-%d %H:%M:%S %z")
        text = " - ".join([when, record.name, level, *owner, record.getMessage()])
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        return f"{text}\n{record.exc_text}" if record.exc_text else text


class JsonLogFormatter(logging.Formatter):
    """The record's attributes as one line of JSON, by name; what JSON cannot hold as its repr."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        attributes = {**record.__dict__, "message": record.getMessage()}
        attributes.pop("exc_info", None)
        return json.dumps(attributes, sort_keys=True, default=repr)


def _console_schema() -> dict[str, Field]:
    return {
        "log_level": Field(
            str, is_required=False, default_value="INFO", description="The lowest level that is written."
        ),
        "name": Field(str, is_required=False, default_value="headwater", description="The name of the logger."),
    }


def level_number(name: str) -> int:
    """Return the number of a level's name, in any case. Raises InvalidDefinitionError for an unknown one."""
    number = logging.getLevelName(name.upper())
    if not isinstance(number, int):
        raise InvalidDefinitionError(
            what=f'"{name}" is not a log level.',
            why="The logger could not tell what to write.",
            fix=did_you_mean(name.upper(), _LEVEL_NAMES) + f"Use one of {', '.join(_LEVEL_NAMES[:-1])}.",
        )
    return number


def _console_logger(context: InitLoggerContext, formatter: logging.Formatter) -> logging.Logger:
    # Not from getLogger: a named logger would be shared, and gain one more handler with each run.
    made = logging.Logger(context.logger_config["name"], level_number(context.logger_config["log_level"]))
    handler = ConsoleHandler()
    handler.setFormatter(formatter)
    made.addHandler(handler)
    return made


def _open_colored(context: InitLoggerContext) -> logging.Logger:
    return _console_logger(context, ConsoleFormatter())


def _open_json(context: InitLoggerContext) -> logging.Logger:
    return _console_logger(context, JsonLogFormatter())


colored_console_logger: Final = LoggerDefinition(
    _open_colored, _console_schema(), "Readable lines on the console, in colour on a terminal."
)
json_console_logger: Final = LoggerDefinition(_open_json, _console_schema(), "Lines of JSON on the console.")


def default_loggers() -> dict[str, LoggerDefinition]:
    """Return the loggers of a job that defines none, for a configuration to switch on."""
    return {"console": colored_console_logger}


def default_system_loggers(instance: Instance | None) -> list[tuple[LoggerDefinition, dict[str, object]]]:
    """Return the loggers with their configuration that tell what a run does, whichever loggers its job has."""
    return [(colored_console_logger, {"name": "headwater", "log_level": "DEBUG"})]
