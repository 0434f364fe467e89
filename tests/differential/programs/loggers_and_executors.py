"""Loggers and executors: what they hear, what they are configured with, and how steps are carried out."""

import logging

import dagster as dg
from recorder import Recorder, program


class Ear(logging.Handler):
    """Keeps what it hears."""

    def __init__(self, heard):
        super().__init__()
        self.heard = heard

    def emit(self, record):
        told = getattr(record, "dagster_meta", None)
        message = told.get("orig_message") if isinstance(told, dict) else record.getMessage()
        self.heard.append((record.levelname, message))


def eared(heard, **schema):
    """Return a definition of a logger that keeps what it hears; programs see only what the user's code says."""

    @dg.logger(config_schema=schema or None, description="a logger with an ear")
    def listening(context):
        made = logging.Logger("listening", (context.logger_config or {}).get("level", "DEBUG"))
        made.addHandler(Ear(heard))
        return made

    return listening


def of_users(heard):
    return [pair for pair in heard if pair[1] is not None and str(pair[1]).startswith("user:")]


def listening_to(action):
    """Return what is heard while an action is run; the runner switches logging off, so it is put on for it."""
    logging.disable(logging.NOTSET)
    try:
        return action()
    finally:
        logging.disable(logging.CRITICAL)


EAR = {"loggers": {"ear": {}}}


@dg.op
def speaks(context):
    context.log.debug("user: quietly")
    context.log.info("user: hello %s", "there")
    context.log.warning("user: careful")
    context.log.error("user: wrong")
    context.log.critical("user: very wrong")


@program
def a_logger_hears_what_steps_say(note: Recorder) -> None:
    heard = []

    @dg.job(logger_defs={"ear": eared(heard)})
    def speaking():
        speaks()

    result = listening_to(lambda: speaking.execute_in_process(EAR))
    note("success", result.success)
    note("heard", of_users(heard))
    heard.clear()
    listening_to(speaking.execute_in_process)
    note("not configured", of_users(heard))


@program
def a_logger_is_configured(note: Recorder) -> None:
    heard = []

    @dg.job(logger_defs={"ear": eared(heard, level=dg.Field(str, default_value="WARNING"))})
    def speaking():
        speaks()

    listening_to(lambda: speaking.execute_in_process(EAR))
    note("default", of_users(heard))
    heard.clear()
    config = {"loggers": {"ear": {"config": {"level": "ERROR"}}}}
    listening_to(lambda: speaking.execute_in_process(run_config=config))
    note("given", of_users(heard))
    heard.clear()
    for label, wrong, said in (
        ("wrong", {"ear": {"config": {"level": 3}}}, ["level"]),
        ("misspelt", {"ear": {"config": {"lvl": "INFO"}}}, ["lvl"]),
        ("no such", {"eer": {"config": {"level": "INFO"}}}, ["eer"]),
    ):
        note.error(label, lambda wrong=wrong: speaking.execute_in_process(run_config={"loggers": wrong}), said)


@program
def a_logger_is_made_of_a_configured_one(note: Recorder) -> None:
    heard = []
    loud = eared(heard, level=str)
    only_errors = loud.configured({"level": "ERROR"})
    by_word = dg.configured(loud, config_schema={"quiet": bool})(
        lambda config: {"level": "CRITICAL" if config["quiet"] else "DEBUG"}
    )

    @dg.job(logger_defs={"ear": only_errors})
    def fixed():
        speaks()

    @dg.job(logger_defs={"ear": by_word})
    def by_config():
        speaks()

    listening_to(lambda: fixed.execute_in_process(EAR))
    note("fixed", of_users(heard))
    heard.clear()
    listening_to(lambda: by_config.execute_in_process({"loggers": {"ear": {"config": {"quiet": True}}}}))
    note("by config", of_users(heard))
    note("kinds", [type(loud).__name__, isinstance(only_errors, dg.LoggerDefinition), loud.description])


@program
def the_loggers_of_definitions_hear_all_jobs(note: Recorder) -> None:
    heard = []

    @dg.asset
    def table(context):
        context.log.info("user: asset")

    @dg.job
    def speaking():
        speaks()

    defs = dg.Definitions(
        assets=[table],
        jobs=[speaking, dg.define_asset_job("everything", "table")],
        loggers={"ear": eared(heard)},
    )
    listening_to(lambda: defs.resolve_job_def("everything").execute_in_process(EAR))
    note("asset job", of_users(heard))
    heard.clear()
    listening_to(lambda: defs.resolve_job_def("speaking").execute_in_process(EAR))
    note("op job", of_users(heard))


@program
def loggers_are_called_by_hand(note: Recorder) -> None:
    heard = []
    made = eared(heard, level=str)(dg.build_init_logger_context(logger_config={"level": "INFO"}))
    note("level", [made.name, made.level])
    listening_to(lambda: [made.info("user: heard"), made.debug("user: not heard")])
    note("heard", of_users(heard))
    note.error("wrong", lambda: eared(heard, level=str)(dg.build_init_logger_context(logger_config={"level": 3})))
    for label, definition in (("colored", dg.colored_console_logger), ("json", dg.json_console_logger)):
        logger = definition(dg.build_init_logger_context(logger_config={"log_level": "ERROR", "name": "mine"}))
        note(label, [logger.name, logger.level, len(logger.handlers)])
        note.error(
            f"{label} level",
            lambda definition=definition: definition(dg.build_init_logger_context(logger_config={"log_level": 5})).name,
            ["log_level"],
        )


@program
def the_console_loggers_are_configured(note: Recorder) -> None:
    @dg.job(logger_defs={"console": dg.colored_console_logger, "json": dg.json_console_logger})
    def speaking():
        speaks()

    for name in ("console", "json"):
        config = {"loggers": {name: {"config": {"log_level": "CRITICAL", "name": "n"}}}}
        note(name, speaking.execute_in_process(run_config=config).success)

    @dg.job
    def plain():
        speaks()

    note("default", plain.execute_in_process({"loggers": {"console": {"config": {"log_level": "ERROR"}}}}).success)
    note.error("other", lambda: plain.execute_in_process({"loggers": {"json": {}}}), ["json"])


@program
def the_logger_outside_of_steps_works(note: Recorder) -> None:
    heard = []
    log = dg.get_dagster_logger("mine")

    @dg.op
    def through_logging():
        log.info("user: by logging")
        log.debug("user: in detail")
        dg.get_dagster_logger().warning("user: unnamed")

    @dg.job(logger_defs={"ear": eared(heard)})
    def speaking():
        through_logging()

    listening_to(lambda: speaking.execute_in_process(EAR))
    note("heard", of_users(heard))
    note("is a logger", isinstance(log, logging.Logger))


@program
def contexts_have_a_log_everywhere(note: Recorder) -> None:
    heard = []

    @dg.asset
    def table(context: dg.AssetExecutionContext):
        context.log.info("user: asset")
        return 1

    @dg.asset_check(asset=table)
    def checked(context: dg.AssetCheckExecutionContext, table):
        context.log.info("user: check")
        return dg.AssetCheckResult(passed=True)

    @dg.resource
    def tool(context):
        context.log.info("user: resource")
        return 1

    @dg.asset(required_resource_keys={"tool"}, deps=[table])
    def other(context):
        context.log.info("user: other")

    class Keeping(dg.InMemoryIOManager):
        def handle_output(self, context, obj):
            context.log.info("user: keeps")
            super().handle_output(context, obj)

        def load_input(self, context):
            context.log.info("user: gives")
            return super().load_input(context)

    defs = dg.Definitions(
        assets=[table, other],
        asset_checks=[checked],
        jobs=[dg.define_asset_job("all", dg.AssetSelection.all())],
        loggers={"ear": eared(heard)},
        resources={"tool": tool, "io_manager": Keeping()},
    )
    listening_to(lambda: defs.resolve_job_def("all").execute_in_process(EAR))
    note("heard", sorted({message for _, message in of_users(heard)}))


@program
def levels_of_the_log_by_name(note: Recorder) -> None:
    heard = []

    @dg.op
    def speaks_by_level(context):
        context.log.log(logging.WARNING, "user: by number")
        context.log.warning("user: %d of %s", 3, "four")
        try:
            raise ValueError("hidden")
        except ValueError:
            context.log.exception("user: with a traceback")

    @dg.job(logger_defs={"ear": eared(heard)})
    def speaking():
        speaks_by_level()

    listening_to(lambda: speaking.execute_in_process(EAR))
    note("heard", of_users(heard))


# ----------------------------------------------------------------------------------------------------------- executors


@dg.op
def one():
    return 1


@dg.op
def two(number):
    return number + 1


@program
def a_job_is_carried_out_by_each_executor(note: Recorder) -> None:
    for label, chosen in {
        "one process": dg.in_process_executor,
        "several": dg.multiprocess_executor,
        "either": dg.multi_or_in_process_executor,
        "configured": dg.multiprocess_executor.configured({"max_concurrent": 2}),
    }.items():

        @dg.job(executor_def=chosen)
        def counting():
            two(one())

        note.run(label, counting.execute_in_process(), outputs=["two"])
    note("names", [each.name for each in (dg.in_process_executor, dg.multiprocess_executor)])


@program
def the_config_of_executors_is_checked(note: Recorder) -> None:
    note.error("misspelt", lambda: dg.multiprocess_executor.configured({"max_concurent": 2}).name, ["max_concurent"])

    @dg.job(executor_def=dg.in_process_executor)
    def counting():
        two(one())

    def valid(execution):
        return counting.execute_in_process(run_config={"execution": execution}).success

    note.error("retries", lambda: valid({"config": {"retries": {"enabled": {}}}}))
    note.error("wrong retries", lambda: valid({"config": {"retries": {"perhaps": {}}}}), ["perhaps"])
    note.error("no such", lambda: valid({"config": {"max_concurrent": 2}}), ["max_concurrent"])


@program
def an_executor_is_declared(note: Recorder) -> None:
    made = []

    class Alone(dg.Executor):
        @property
        def retries(self):
            return dg.RetryMode.DISABLED if hasattr(dg, "RetryMode") else None

        def execute(self, plan_context, execution_plan):
            yield from ()

    @dg.executor(name="alone", config_schema={"limit": dg.Field(int, default_value=3)})
    def alone(context):
        made.append(context.executor_config)
        return Alone()

    note("said", [alone.name, alone.description, type(alone).__name__.removeprefix("Dagster")])
    note("configured", isinstance(alone.configured({"limit": 5}, name="five"), dg.ExecutorDefinition))
    note("requirements", list(alone.get_requirements({})))

    @dg.job(executor_def=alone)
    def counting():
        two(one())

    note.run("in process", counting.execute_in_process(), outputs=["two"])
    note("made", made)


@program
def the_executor_of_definitions_is_the_default(note: Recorder) -> None:
    @dg.job
    def counting():
        two(one())

    @dg.job(executor_def=dg.multiprocess_executor)
    def own():
        two(one())

    defs = dg.Definitions(jobs=[counting, own], executor=dg.in_process_executor)
    note("default", defs.resolve_job_def("counting").executor_def.name)
    note("own", defs.resolve_job_def("own").executor_def.name)
    note.run("run", defs.resolve_job_def("counting").execute_in_process(), outputs=["two"])
    asset_job = dg.define_asset_job("assets", executor_def=dg.multi_or_in_process_executor)

    @dg.asset
    def table():
        return 1

    defs = dg.Definitions(assets=[table], jobs=[asset_job], executor=dg.in_process_executor)
    note("asset job", defs.resolve_job_def("assets").executor_def.name)
    note("implicit", defs.resolve_implicit_global_asset_job_def().executor_def.name)
