"""Loggers that users define: made from a configuration, and handed what steps say."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

import headwater as hw
from headwater.authoring.loggers import (
    InitLoggerContext,
    LoggerDefinition,
    build_init_logger_context,
    colored_console_logger,
    default_loggers,
    json_console_logger,
    logger,
    open_loggers,
)
from headwater.engine.step_logs import StepLogs, read_step_log
from headwater.model.errors.config import InvalidConfigError
from headwater.model.errors.definition import InvalidDefinitionError


class Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@logger(config_schema={"level": str}, description="a logger with ears")
def eared(context: InitLoggerContext) -> logging.Logger:
    made = logging.Logger("eared", context.logger_config["level"])
    made.addHandler(Ear())
    return made


@logger
def plain(context: InitLoggerContext) -> logging.Logger:
    """Plainly."""
    return logging.Logger(f"plain {context.run_id}")


def test_a_logger_is_made_with_its_configuration():
    assert isinstance(eared, LoggerDefinition)
    assert eared.description == "a logger with ears"
    (made,) = open_loggers({"eared": eared}, {"eared": {"config": {"level": "ERROR"}}})
    assert (made.name, made.level) == ("eared", logging.ERROR)


def test_a_logger_without_configuration_is_decorated_plainly():
    assert plain.description == "Plainly."
    (made,) = open_loggers({"plain": plain}, run_id="r1")
    assert made.name == "plain r1"
    assert plain().name == "plain None"


def test_a_configured_logger_needs_no_configuration():
    (made,) = open_loggers({"eared": eared.configured({"level": "WARNING"})})
    assert made.level == logging.WARNING
    by_function = eared.configured(lambda config: {"level": config["how"]}, config_schema={"how": str})
    (made,) = open_loggers({"eared": by_function}, {"eared": {"config": {"how": "DEBUG"}}})
    assert made.level == logging.DEBUG


def test_a_logger_can_be_called_in_a_test():
    assert eared(build_init_logger_context({"level": "INFO"})).level == logging.INFO
    with pytest.raises(InvalidConfigError):
        eared(build_init_logger_context({"level": 5}))


def test_with_a_configuration_those_that_it_names_are_opened_else_those_that_need_none():
    definitions = {"eared": eared, "console": colored_console_logger, "plain": plain}
    assert [made.name for made in open_loggers(definitions, run_id="r")] == ["headwater", "plain r"]
    assert [made.name for made in open_loggers(definitions, {"console": {}})] == ["headwater"]
    with pytest.raises(InvalidDefinitionError, match=r'"consol", which is not defined\..*Did you mean "console"\?'):
        open_loggers(definitions, {"consol": {}})


@pytest.mark.parametrize(
    "make",
    [
        lambda: LoggerDefinition(5),  # type: ignore[arg-type]
        lambda: open_loggers({"bad": LoggerDefinition(lambda context: 5)}),  # type: ignore[arg-type, return-value]
        lambda: open_loggers(default_loggers(), {"console": {"config": {"log_level": "LOUD"}}}),
    ],
)
def test_what_cannot_be_a_logger_is_refused(make: Any):
    with pytest.raises(InvalidDefinitionError):
        make()


def test_the_console_logger_writes_each_record_to_the_terminal_once_and_not_to_the_step(tmp_path, capsys):
    loggers = open_loggers(default_loggers(), {"console": {"config": {"log_level": "warning"}}})
    logs = StepLogs(tmp_path)
    with logs.capturing(), logs.attempt("r1", "orders", loggers=loggers) as log:
        log.info("too low")
        log.warning("careful")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(" - headwater - WARNING - r1 - orders - careful")
    assert [line.message for line in read_step_log(tmp_path, "r1", "orders")] == ["too low", "careful"]


def test_the_json_logger_writes_lines_of_json(tmp_path, capsys):
    logs = StepLogs(tmp_path)
    loggers = [json_console_logger(build_init_logger_context({"name": "mine"}))]
    with logs.capturing(), logs.attempt("r1", "orders", loggers=loggers) as log:
        log.info("%s rows", 5, extra={"table": object()})
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            log.exception("failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["message"], first["levelname"], first["headwater_meta"]["step_key"]) == ("5 rows", "INFO", "orders")
    assert "ZeroDivisionError" in second["exc_text"]


def test_the_names_of_the_field_for_loggers_are_there():
    record = logging.LogRecord("shop", logging.INFO, "shop.py", 1, "sold %s", ("a",), None)
    assert json.loads(hw.JsonLogFormatter().format(record))["message"] == "sold a"
    assert list(hw.default_loggers()) == ["console"]
    ((definition, config),) = hw.default_system_loggers(None)
    assert definition is hw.colored_console_logger
    assert config == {"name": "headwater", "log_level": "DEBUG"}


def test_the_loggers_that_a_run_configures_are_checked_before_it_starts():
    @hw.op
    def work() -> int:
        return 1

    @hw.job
    def working() -> None:
        work()

    with pytest.raises(InvalidConfigError, match=r"loggers\.consol"):
        working.execute_in_process(run_config={"loggers": {"consol": {}}})
    with pytest.raises(InvalidConfigError, match="log_levl"):
        working.execute_in_process(run_config={"loggers": {"console": {"config": {"log_levl": "INFO"}}}})
    assert working.execute_in_process(run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}}).success
