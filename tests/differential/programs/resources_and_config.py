"""Resources and configuration in every style."""

from contextlib import contextmanager
from typing import Literal

import dagster as dg
from pydantic import Field as PydanticField
from recorder import Recorder, program


@program
def a_configurable_resource_is_a_parameter(note: Recorder) -> None:
    class Warehouse(dg.ConfigurableResource):
        url: str
        retries: int = 3

        def query(self, text):
            return f"{self.url}/{self.retries}/{text}"

    @dg.asset
    def table(warehouse: Warehouse):
        return warehouse.query("orders")

    note.run("run", dg.materialize([table], resources={"warehouse": Warehouse(url="db")}), outputs=["table"])
    note.error("without", lambda: dg.materialize([table]), ["warehouse"])
    note.error("wrong", lambda: Warehouse(url=["x"]), ["url"])


@program
def resources_are_nested(note: Recorder) -> None:
    class Credentials(dg.ConfigurableResource):
        user: str

    class Warehouse(dg.ConfigurableResource):
        credentials: Credentials
        name: str

    @dg.asset
    def table(warehouse: Warehouse):
        return [warehouse.credentials.user, warehouse.name]

    warehouse = Warehouse(credentials=Credentials(user="ada"), name="dw")
    note.run("run", dg.materialize([table], resources={"warehouse": warehouse}), outputs=["table"])


@program
def resources_are_set_up_and_torn_down(note: Recorder) -> None:
    order = []

    class Session(dg.ConfigurableResource):
        name: str
        _is_open: bool = False

        def setup_for_execution(self, context: dg.InitResourceContext) -> None:
            order.append(f"open {self.name}")

        def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
            order.append(f"close {self.name}")

    class Pool(dg.ConfigurableResource):
        session: Session

        @contextmanager
        def yield_for_execution(self, context):
            order.append("yield")
            yield self
            order.append("after yield")

    @dg.asset
    def table(pool: Pool):
        order.append("run")

    dg.materialize([table], resources={"pool": Pool(session=Session(name="one"))})
    note("order", order)


@program
def resource_functions_and_generators_work(note: Recorder) -> None:
    order = []

    @dg.resource(config_schema={"size": dg.Field(int, default_value=2)}, required_resource_keys={"base"})
    def sized(context):
        return context.resource_config["size"] * context.resources.base

    @dg.resource
    def base(context):
        order.append("up")
        yield 10
        order.append("down")

    @dg.asset(required_resource_keys={"sized"})
    def table(context):
        return context.resources.sized

    note.run("default", dg.materialize([table], resources={"sized": sized, "base": base}), outputs=["table"])
    configured = sized.configured({"size": 5})
    note.run("configured", dg.materialize([table], resources={"sized": configured, "base": base}), outputs=["table"])
    at_launch = dg.materialize(
        [table],
        resources={"sized": sized, "base": base},
        run_config={"resources": {"sized": {"config": {"size": 7}}}},
    )
    note.run("at launch", at_launch, outputs=["table"])
    note("order", order)
    note.error("cycle", lambda: dg.materialize([table], resources={"sized": sized}), ["base"])


@program
def bare_objects_are_resources(note: Recorder) -> None:
    class Client:
        name = "plain"

    @dg.asset
    def table(client: dg.ResourceParam[Client]):
        return client.name

    note.run("run", dg.materialize([table], resources={"client": Client()}), outputs=["table"])


@program
def a_factory_makes_what_the_asset_gets(note: Recorder) -> None:
    class Connection:
        def __init__(self, url):
            self.url = url

    from dagster._config.pythonic_config import ConfigurableResourceFactory

    class ConnectionFactory(ConfigurableResourceFactory[Connection]):
        url: str

        def create_resource(self, context):
            return Connection(self.url)

    @dg.asset(required_resource_keys={"connection"})
    def table(context):
        return context.resources.connection.url

    note.run("run", dg.materialize([table], resources={"connection": ConnectionFactory(url="db")}), outputs=["table"])


@program
def a_resource_that_fails_to_set_up_fails_the_run(note: Recorder) -> None:
    @dg.resource
    def broken(context):
        raise RuntimeError("no route to host")

    @dg.asset(required_resource_keys={"broken"})
    def table():
        return 1

    note.error("run", lambda: dg.materialize([table], resources={"broken": broken}), ["broken", "no route to host"])


@program
def a_resource_waits_for_its_configuration(note: Recorder) -> None:
    class Warehouse(dg.ConfigurableResource):
        url: str

    @dg.asset
    def table(warehouse: Warehouse):
        return warehouse.url

    defs = dg.Definitions(
        assets=[table],
        resources={"warehouse": Warehouse.configure_at_launch()},
        jobs=[dg.define_asset_job("build", selection="table")],
    )
    build = defs.resolve_job_def("build")
    result = build.execute_in_process(run_config={"resources": {"warehouse": {"config": {"url": "given"}}}})
    note.run("run", result, outputs=["table"])
    note.error("without", build.execute_in_process, ["warehouse"])


@program
def environment_variables_are_read_when_it_runs(note: Recorder) -> None:
    import os

    class Warehouse(dg.ConfigurableResource):
        url: str
        port: int

    @dg.asset
    def table(warehouse: Warehouse):
        return [warehouse.url, warehouse.port]

    warehouse = Warehouse(url=dg.EnvVar("DIFFERENTIAL_URL"), port=dg.EnvVar.int("DIFFERENTIAL_PORT"))
    note.error("missing", lambda: dg.materialize([table], resources={"warehouse": warehouse}), ["DIFFERENTIAL_URL"])
    os.environ["DIFFERENTIAL_URL"], os.environ["DIFFERENTIAL_PORT"] = "db", "5432"
    note.run("run", dg.materialize([table], resources={"warehouse": warehouse}), outputs=["table"])
    del os.environ["DIFFERENTIAL_URL"], os.environ["DIFFERENTIAL_PORT"]


@program
def config_of_an_asset_is_a_class(note: Recorder) -> None:
    class Limits(dg.Config):
        rows: int = 5
        name: str | None = None
        tags: list[str] = []
        by_region: dict[str, int] = {}

    @dg.asset
    def table(config: Limits):
        return [config.rows, config.name, config.tags, config.by_region]

    note.run("default", dg.materialize([table]), outputs=["table"])
    run_config = dg.RunConfig(ops={"table": Limits(rows=7, tags=["a"], by_region={"n": 1})})
    note.run("given", dg.materialize([table], run_config=run_config), outputs=["table"])
    note.error(
        "misspelt", lambda: dg.materialize([table], run_config={"ops": {"table": {"config": {"rwos": 1}}}}), ["rwos"]
    )
    note.error(
        "wrong type",
        lambda: dg.materialize([table], run_config={"ops": {"table": {"config": {"rows": "x"}}}}),
        ["rows"],
    )
    note.error("wrong asset", lambda: dg.materialize([table], run_config={"ops": {"tabel": {"config": {}}}}), ["tabel"])


@program
def config_classes_validate_nest_and_choose(note: Recorder) -> None:
    class Csv(dg.Config):
        kind: Literal["csv"] = "csv"
        separator: str = ","

    class Parquet(dg.Config):
        kind: Literal["parquet"] = "parquet"
        level: int

    class Reading(dg.Config):
        source: Csv | Parquet = PydanticField(discriminator="kind")
        limit: int = PydanticField(default=1, gt=0)

    @dg.asset
    def table(config: Reading):
        return [type(config.source).__name__, config.limit]

    parquet = {"ops": {"table": {"config": {"source": {"parquet": {"level": 3}}, "limit": 2}}}}
    note.run("parquet", dg.materialize([table], run_config=parquet), outputs=["table"])
    too_low = {"ops": {"table": {"config": {"source": {"csv": {}}, "limit": 0}}}}
    note.error("too low", lambda: dg.materialize([table], run_config=too_low), ["limit"])
    unknown = {"ops": {"table": {"config": {"source": {"xml": {}}}}}}
    note.error("unknown", lambda: dg.materialize([table], run_config=unknown), ["xml"])


@program
def the_older_config_schemas_work(note: Recorder) -> None:
    schema = {
        "name": dg.Field(str, default_value="x", is_required=False),
        "size": dg.Field(dg.Noneable(int), is_required=False),
        "mode": dg.Selector({"fast": {"level": int}, "slow": dg.Shape({"wait": dg.Field(float, default_value=1.5)})}),
        "tags": dg.Array(str),
        "extra": dg.Permissive({"known": bool}),
        "by": dg.Field(dg.Map(str, int), default_value={"a": 1}),
        "colour": dg.Field(dg.Enum("Colour", [dg.EnumValue("red"), dg.EnumValue("blue", "BLUE")]), default_value="red"),
        "number": dg.Field(dg.ScalarUnion(scalar_type=str, non_scalar_schema={"n": int}), default_value="one"),
        "url": dg.Field(dg.StringSource, default_value="plain"),
        "port": dg.Field(dg.IntSource, default_value=3),
        "on": dg.Field(dg.BoolSource, default_value=True),
    }

    @dg.op(config_schema=schema)
    def show(context):
        return context.op_config

    @dg.job
    def showing():
        show()

    given = {"mode": {"slow": {}}, "tags": ["a", "b"], "extra": {"known": True, "other": [1]}, "colour": "blue"}
    note.run("run", showing.execute_in_process({"ops": {"show": {"config": given}}}), outputs=["show"])
    for label, wrong in {
        "two modes": {**given, "mode": {"slow": {}, "fast": {"level": 1}}},
        "no tags": {name: value for name, value in given.items() if name != "tags"},
        "bad colour": {**given, "colour": "green"},
        "unknown": {**given, "sizes": 3},
        "bad list": {**given, "tags": "a"},
    }.items():
        config = {"ops": {"show": {"config": wrong}}}
        note.error(label, lambda config=config: showing.execute_in_process(config))
        note.error(label + " validated", lambda config=config: dg.validate_run_config(showing, config))
    note("valid", dg.validate_run_config(showing, {"ops": {"show": {"config": given}}})["ops"]["show"]["config"])


@program
def configured_ops_and_config_mappings_change_the_schema(note: Recorder) -> None:
    @dg.op(config_schema={"greeting": str, "name": str})
    def greet(context):
        return f"{context.op_config['greeting']} {context.op_config['name']}"

    @dg.configured(greet, config_schema={"name": str})
    def hello(config):
        return {"greeting": "hello", "name": config["name"]}

    hey = dg.configured(greet, name="hey")({"greeting": "hey", "name": "you"})

    @dg.job
    def greetings():
        hello()
        hey()

    result = greetings.execute_in_process({"ops": {"hello": {"config": {"name": "ada"}}}})
    note.run("run", result, outputs=["hello", "hey"])

    @dg.config_mapping(config_schema={"who": str})
    def simple(config):
        return {"ops": {"greet": {"config": {"greeting": "hi", "name": config["who"]}}}}

    @dg.job(config=simple)
    def mapped():
        greet()

    note.run("mapped", mapped.execute_in_process({"who": "bob"}), outputs=["greet"])
    note.error("misspelt", lambda: mapped.execute_in_process({"whom": "bob"}), ["whom"])

    @dg.job(config={"ops": {"greet": {"config": {"greeting": "yo", "name": "all"}}}})
    def fixed():
        greet()

    note.run("fixed", fixed.execute_in_process(), outputs=["greet"])


@program
def resources_are_built_and_used_in_tests(note: Recorder) -> None:
    class Warehouse(dg.ConfigurableResource):
        url: str

    @dg.resource(config_schema={"text": str})
    def plain(context):
        return context.resource_config["text"].upper()

    with dg.build_resources(
        {"warehouse": Warehouse(url="a"), "plain": plain}, resource_config={"plain": {"config": {"text": "b"}}}
    ) as built:
        note("built", [built.warehouse.url, built.plain])
    note("called", plain(dg.build_init_resource_context(config={"text": "c"})))

    @dg.asset
    def table(context: dg.AssetExecutionContext, warehouse: Warehouse):
        return warehouse.url

    note("direct", table(dg.build_asset_context(), warehouse=Warehouse(url="z")))
    note("by context", table(dg.build_asset_context(resources={"warehouse": Warehouse(url="y")})))


@program
def a_resource_depends_on_a_plain_one(note: Recorder) -> None:
    class Client:
        def __init__(self, name):
            self.name = name

    class Store(dg.ConfigurableResource):
        client: dg.ResourceDependency[Client]
        folder: str = "f"

    @dg.asset
    def table(store: Store):
        return [store.client.name, store.folder]

    @dg.resource
    def made(context):
        return Client("made")

    note.run("object", dg.materialize([table], resources={"store": Store(client=Client("own"))}), outputs=["table"])
    store = Store(client=made, folder="g")
    note.run("definition", dg.materialize([table], resources={"store": store, "client": made}), outputs=["table"])


@program
def values_are_a_resource(note: Recorder) -> None:
    @dg.op(required_resource_keys={"values"})
    def show(context):
        return context.resources.values

    @dg.job(resource_defs={"values": dg.make_values_resource(name=str, number=int)})
    def showing():
        show()

    given = {"resources": {"values": {"config": {"name": "n", "number": 3}}}}
    note.run("run", showing.execute_in_process(given), outputs=["show"])
    wrong = {"resources": {"values": {"config": {"name": 3}}}}
    note.error("wrong", lambda: showing.execute_in_process(wrong), ["name", "number"])

    @dg.job(resource_defs={"values": dg.make_values_resource()})
    def loose():
        show()

    note.run("anything", loose.execute_in_process({"resources": {"values": {"config": {"x": 1}}}}), outputs=["show"])


@program
def resources_are_bound_to_assets_and_configured(note: Recorder) -> None:
    @dg.resource(config_schema={"n": int})
    def number(context):
        return context.resource_config["n"]

    @dg.asset(required_resource_keys={"number"})
    def table(context):
        return context.resources.number

    bound = dg.with_resources([table], {"number": number}, resource_config_by_key={"number": {"config": {"n": 4}}})
    note.run("run", dg.materialize(bound), outputs=["table"])
    note.error("wrong", lambda: dg.with_resources([table], {"number": number}, {"number": {"config": {"m": 4}}}), ["m"])


@program
def a_resource_is_opened_once_for_a_run(note: Recorder) -> None:
    order = []

    class Session(dg.ConfigurableResource):
        name: str

        def setup_for_execution(self, context):
            order.append(f"open {self.name}")

        def teardown_after_execution(self, context):
            order.append(f"close {self.name}")

    @dg.asset
    def one(session: Session):
        order.append("one")

    @dg.asset(deps=[one])
    def two(session: Session):
        order.append("two")

    @dg.asset(deps=[two])
    def three():
        order.append("three")

    dg.materialize([one, two, three], resources={"session": Session(name="s"), "unused": Session(name="unused")})
    note("order", order)
    order.clear()

    @dg.asset
    def broken(session: Session):
        raise ValueError("no")

    dg.materialize([broken], resources={"session": Session(name="s")}, raise_on_error=False)
    note("after a failure", order)


@program
def a_resource_that_fails_to_close(note: Recorder) -> None:
    class Session(dg.ConfigurableResource):
        def teardown_after_execution(self, context):
            raise RuntimeError("cannot close")

    @dg.asset
    def table(session: Session):
        return 1

    note.run("run", dg.materialize([table], resources={"session": Session()}, raise_on_error=False), outputs=["table"])


@program
def context_managers_are_resources(note: Recorder) -> None:
    order = []

    class Session(dg.ConfigurableResource):
        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext):
            order.append("open")
            try:
                yield self
            finally:
                order.append("close")

        def say(self):
            return "said"

    @dg.asset
    def table(session: Session):
        order.append("run")
        return session.say()

    note.run("run", dg.materialize([table], resources={"session": Session()}), outputs=["table"])
    note("order", order)

    @dg.resource
    @contextmanager
    def plain(context):
        order.append("plain open")
        yield 5
        order.append("plain close")

    @dg.asset(required_resource_keys={"plain"})
    def other(context):
        return context.resources.plain

    note.run("plain", dg.materialize([other], resources={"plain": plain}), outputs=["other"])
    note("plain order", order)
