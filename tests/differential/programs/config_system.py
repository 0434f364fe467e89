"""The whole of the config types: what they take, what they make of it, and what they refuse."""

import os
from enum import Enum
from typing import Literal

import dagster as dg
from pydantic import Field as PydanticField
from recorder import Recorder, program


def taken(schema, *given):
    """Return what an op with this config schema gets, for each config; None stands for no config at all."""

    @dg.op(config_schema=schema)
    def show(context):
        return context.op_config

    @dg.job
    def showing():
        show()

    def run(config):
        run_config = {} if config is None else {"ops": {"show": {"config": config}}}
        return showing.execute_in_process(run_config).output_for_node("show")

    return [run(each) for each in given] if len(given) != 1 else run(given[0])


def refuses(note, label, schema, config, mentions=()):
    note.error(label, lambda: taken(schema, config), mentions)


def run_with(asset, config, **kwargs):
    return dg.materialize([asset], run_config={"ops": {asset.op.name: {"config": config}}}, **kwargs)


# ----------------------------------------------------------------------------------------------------- scalars, fields


@program
def scalars_take_their_own_kind(note: Recorder) -> None:
    note("int", taken({"n": int}, {"n": 3}))
    note("float of int", taken({"n": float}, {"n": 3}))
    note("str", taken({"n": str}, {"n": "3"}))
    note("bool", taken({"n": bool}, {"n": True}))
    note("any", taken({"n": dg.Any}, {"n": {"x": [1, None]}}))
    for kind, wrong in ((int, "3"), (int, 3.5), (int, True), (float, "1"), (str, 3), (bool, 1), (bool, "true")):
        refuses(note, f"{kind.__name__} of {wrong!r}", {"n": kind}, {"n": wrong}, ["n"])
    refuses(note, "none", {"n": int}, {"n": None}, ["n"])


@program
def a_schema_may_be_one_scalar(note: Recorder) -> None:
    note("int", taken(int, 3))
    note("list", taken([str], ["a", "b"]))
    note("default", taken(dg.Field(int, default_value=9), None))
    note("any", taken(dg.Field(dg.Any, is_required=False), None, {"x": 1}, 5))
    refuses(note, "missing", int, None, ["show"])
    refuses(note, "wrong", int, "x")


@program
def fields_have_defaults_and_may_be_left_out(note: Recorder) -> None:
    schema = {
        "needed": dg.Field(int, description="how many"),
        "spare": dg.Field(str, is_required=False),
        "set": dg.Field(str, default_value="s"),
        "deep": dg.Field({"inner": dg.Field(int, default_value=4)}),
    }
    note("little", taken(schema, {"needed": 1}))
    note("all", taken(schema, {"needed": 1, "spare": "x", "set": "y", "deep": {"inner": 5}}))
    refuses(note, "missing", schema, {}, ["needed"])
    refuses(note, "misspelt", schema, {"neded": 1}, ["neded", "needed"])
    refuses(note, "deep", schema, {"needed": 1, "deep": {"iner": 1}}, ["iner", "inner", "deep"])
    note.error("a default of another kind", lambda: dg.Field(int, default_value="x"))
    note.error("required with a default", lambda: dg.Field(int, default_value=1, is_required=True))
    field = dg.Field(int, default_value=3, description="d")
    note("said", [field.is_required, field.default_provided, field.default_value, field.description])


@program
def a_schema_of_only_defaults_needs_no_config(note: Recorder) -> None:
    schema = {"a": dg.Field(int, default_value=1), "b": {"c": dg.Field(int, default_value=2)}}
    note("none", taken(schema, None))
    note("empty", taken(schema, {}))
    note("part", taken(schema, {"b": {"c": 3}}))


@program
def a_schema_may_be_no_schema(note: Recorder) -> None:
    @dg.op
    def loose(context):
        return context.op_config

    @dg.job
    def showing():
        loose()

    note("none", showing.execute_in_process().output_for_node("loose"))
    given = {"ops": {"loose": {"config": {"anything": [1]}}}}
    note.error("given", lambda: showing.execute_in_process(given).output_for_node("loose"), ["loose"])
    note.error("not a schema", lambda: dg.op(name="x", config_schema=object())(lambda: 1))
    note.error("a list of two", lambda: dg.op(name="x", config_schema=[int, str])(lambda: 1))
    note.error("a value", lambda: dg.op(name="x", config_schema={"n": 5})(lambda: 1))


# ----------------------------------------------------------------------------------------------------------- composites


@program
def shapes_are_closed_and_permissive_are_open(note: Recorder) -> None:
    shape = dg.Shape({"a": int, "b": dg.Field(str, default_value="b")})
    note("shape", taken(shape, {"a": 1}))
    refuses(note, "shape with more", shape, {"a": 1, "c": 2}, ["c"])
    refuses(note, "not a dict", shape, [1])
    open_shape = dg.Permissive({"a": int})
    note("permissive", taken(open_shape, {"a": 1, "c": {"d": [2]}}))
    refuses(note, "permissive without", open_shape, {"c": 2}, ["a"])
    note("any keys", taken(dg.Permissive(), {"x": 1, "y": None}))
    refuses(note, "several faults", dg.Shape({"a": int, "b": int}), {"a": "x", "d": 1}, ["a", "b", "d"])


@program
def shapes_have_aliases_of_fields(note: Recorder) -> None:
    shape = dg.Shape({"a": int, "b": int}, field_aliases={"a": "first"})
    note("by alias", taken(shape, {"first": 1, "b": 2}))
    note("by name", taken(shape, {"a": 1, "b": 2}))


@program
def a_selector_takes_exactly_one(note: Recorder) -> None:
    selector = dg.Selector(
        {"csv": {"separator": dg.Field(str, default_value=",")}, "sql": {"table": str}, "none": dg.Field(dg.Any)}
    )
    note("csv", taken(selector, {"csv": {}}))
    note("sql", taken(selector, {"sql": {"table": "t"}}))
    refuses(note, "two", selector, {"csv": {}, "sql": {"table": "t"}}, ["csv", "sql"])
    refuses(note, "zero", selector, {})
    refuses(note, "unknown", selector, {"scv": {}}, ["scv"])
    refuses(note, "inside", selector, {"sql": {"tabel": "t"}}, ["tabel"])
    note("of one", taken(dg.Selector({"only": {"x": dg.Field(int, default_value=1)}}), None))


@program
def arrays_maps_and_nothing(note: Recorder) -> None:
    note("array", taken(dg.Array(dg.Shape({"a": int})), [{"a": 1}, {"a": 2}]))
    note("empty", taken([int], []))
    refuses(note, "item", [int], [1, "two", 3], ["1"])
    refuses(note, "not a list", dg.Array(int), {"a": 1})
    note("map", taken({"m": dg.Map(str, {"n": int})}, {"m": {"x": {"n": 1}, "y": {"n": 2}}}))
    note("map of int", taken({"m": {int: str}}, {"m": {1: "a"}}))
    refuses(note, "map value", {"m": dg.Map(str, int)}, {"m": {"x": "y"}}, ["x"])
    refuses(note, "map key", {"m": dg.Map(int, int)}, {"m": {"x": 1}}, ["x"])
    note("noneable", taken({"n": dg.Noneable(int)}, {"n": None}, {"n": 3}, {}))
    refuses(note, "noneable wrong", {"n": dg.Noneable(int)}, {"n": "x"}, ["n"])
    refuses(note, "none in a list", [int], [1, None])
    note("list of noneable", taken([dg.Noneable(int)], [1, None]))


@program
def enums_give_their_values(note: Recorder) -> None:
    class Colour(Enum):
        RED = "r"
        BLUE = "b"

    plain = dg.Enum("Size", [dg.EnumValue("small"), dg.EnumValue("big", 100, description="not small")])
    note("plain", taken({"s": plain}, {"s": "small"}, {"s": "big"}))
    of_python = dg.Enum.from_python_enum(Colour)
    note("python", [each["c"].name for each in taken({"c": of_python}, {"c": "RED"}, {"c": "BLUE"})])
    default = {"c": dg.Field(of_python, default_value="BLUE")}
    note("default", taken(default, {})["c"].name)
    refuses(note, "unknown", {"s": plain}, {"s": "smal"}, ["smal"])
    refuses(note, "value, not name", {"c": of_python}, {"c": "r"}, ["r"])
    direct = dg.Enum.from_python_enum_direct_values(Colour)
    note("direct", taken({"c": direct}, {"c": "RED"}))


@program
def a_scalar_union_takes_either(note: Recorder) -> None:
    union = {"u": dg.ScalarUnion(scalar_type=str, non_scalar_schema=dg.Selector({"a": {"n": int}, "b": {}}))}
    note("scalar", taken(union, {"u": "x"}))
    note("other", taken(union, {"u": {"a": {"n": 1}}}))
    refuses(note, "neither", union, {"u": 5}, ["u"])
    refuses(note, "inside", union, {"u": {"a": {"m": 1}}}, ["m"])


@program
def sources_read_the_environment(note: Recorder) -> None:
    schema = {"s": dg.StringSource, "i": dg.IntSource, "b": dg.BoolSource}
    note("plain", taken(schema, {"s": "x", "i": 3, "b": False}))
    os.environ.update(DIFF_S="from outside", DIFF_I="42", DIFF_B="true")
    note("env", taken(schema, {"s": {"env": "DIFF_S"}, "i": {"env": "DIFF_I"}, "b": {"env": "DIFF_B"}}))
    refuses(note, "EnvVar", {"s": dg.StringSource}, {"s": dg.EnvVar("DIFF_S")}, ["DIFF_S"])
    os.environ["DIFF_B"] = ""
    note("empty is false", taken({"b": dg.BoolSource}, {"b": {"env": "DIFF_B"}}))
    refuses(note, "unset", {"s": dg.StringSource}, {"s": {"env": "DIFF_NONE"}}, ["DIFF_NONE"])
    os.environ["DIFF_I"] = "many"
    refuses(note, "no number", {"i": dg.IntSource}, {"i": {"env": "DIFF_I"}}, ["DIFF_I"])
    refuses(note, "wrong", {"i": dg.IntSource}, {"i": "3"}, ["i"])
    for name in ("DIFF_S", "DIFF_I", "DIFF_B"):
        del os.environ[name]


# ---------------------------------------------------------------------------------------------------- pydantic's classes


@program
def config_classes_of_many_kinds_of_fields(note: Recorder) -> None:
    class Size(Enum):
        SMALL = "small"
        BIG = "big"

    class Inner(dg.Config):
        depth: int
        names: list[str] = ["a"]

    class Everything(dg.Config):
        inner: Inner
        size: Size = Size.SMALL
        maybe: int | None = None
        many: list[Inner] = []
        by_name: dict[str, Inner] = {}
        rate: float = 1
        choice: Literal["x", "y"] = "x"

    @dg.asset
    def table(config: Everything):
        return {
            "inner": [config.inner.depth, config.inner.names],
            "size": config.size.name,
            "maybe": config.maybe,
            "many": [each.depth for each in config.many],
            "by_name": {name: each.depth for name, each in config.by_name.items()},
            "rate": config.rate,
            "choice": config.choice,
        }

    note.run("least", run_with(table, {"inner": {"depth": 1}}), outputs=["table"])
    most = {
        "inner": {"depth": 1, "names": []},
        "size": "BIG",
        "maybe": 3,
        "many": [{"depth": 2}, {"depth": 3}],
        "by_name": {"k": {"depth": 4}},
        "rate": 2.5,
        "choice": "y",
    }
    note.run("most", run_with(table, most), outputs=["table"])
    for label, wrong, said in (
        ("no inner", {}, ["inner"]),
        ("misspelt inside", {"inner": {"dept": 1}}, ["dept", "depth"]),
        ("size by value", {"inner": {"depth": 1}, "size": "huge"}, ["huge"]),
        ("in a list", {"inner": {"depth": 1}, "many": [{"depth": "x"}]}, ["many", "depth"]),
        ("in a dict", {"inner": {"depth": 1}, "by_name": {"k": {"deep": 1}}}, ["by_name", "deep"]),
        ("none for int", {"inner": {"depth": None}}, ["depth"]),
    ):
        note.error(label, lambda wrong=wrong: run_with(table, wrong), said)


@program
def permissive_config_keeps_what_it_does_not_know(note: Recorder) -> None:
    class Loose(dg.PermissiveConfig):
        known: int

    @dg.asset
    def table(config: Loose):
        return [config.known, config.extra, config.model_dump()]

    note.run("run", run_with(table, {"known": 1, "extra": {"x": [1]}}), outputs=["table"])
    note.error("without", lambda: run_with(table, {"extra": 1}), ["known"])
    note("direct", Loose(known=1, other=2).other)


@program
def fields_of_config_have_aliases(note: Recorder) -> None:
    class Aliased(dg.Config):
        table_name: str = PydanticField(alias="tableName", description="the name")
        rows: int = PydanticField(default=3, alias="rowCount")

    @dg.asset
    def table(config: Aliased):
        return [config.table_name, config.rows]

    note.run("by alias", run_with(table, {"tableName": "t", "rowCount": 5}), outputs=["table"])
    note.error("by name", lambda: run_with(table, {"table_name": "t"}), ["tableName"])


@program
def environment_variables_are_config_values(note: Recorder) -> None:
    class Where(dg.Config):
        url: str
        port: int = 1

    @dg.asset
    def table(config: Where):
        return [config.url, config.port]

    os.environ.update(DIFF_URL="db", DIFF_PORT="77")
    given = dg.RunConfig(ops={"table": Where(url=dg.EnvVar("DIFF_URL"), port=dg.EnvVar.int("DIFF_PORT"))})
    note.run("in a class", dg.materialize([table], run_config=given), outputs=["table"])
    note.run(
        "in a dict", run_with(table, {"url": {"env": "DIFF_URL"}, "port": {"env": "DIFF_PORT"}}), outputs=["table"]
    )
    note.error("EnvVar in a dict", lambda: run_with(table, {"url": dg.EnvVar("DIFF_URL")}), ["DIFF_URL"])
    note.error("unset", lambda: run_with(table, {"url": {"env": "DIFF_UNSET"}}), ["DIFF_UNSET"])
    variable = dg.EnvVar("DIFF_URL")
    note("said", [variable.env_var_name, variable.get_value(), dg.EnvVar("DIFF_UNSET").get_value("d")])
    for name in ("DIFF_URL", "DIFF_PORT"):
        del os.environ[name]


@program
def environment_variables_inside_nested_resources(note: Recorder) -> None:
    class Login(dg.ConfigurableResource):
        user: str
        tags: list[str] = []

    class Store(dg.ConfigurableResource):
        login: Login
        options: dict[str, str] = {}

    @dg.asset
    def table(store: Store):
        return [store.login.user, store.login.tags, store.options]

    os.environ["DIFF_USER"] = "ada"
    store = Store(login=Login(user=dg.EnvVar("DIFF_USER")), options={"k": "v"})
    note.run("nested", dg.materialize([table], resources={"store": store}), outputs=["table"])
    in_list = Store(login=Login(user="u", tags=["a", "b"]))
    note.run("list", dg.materialize([table], resources={"store": in_list}), outputs=["table"])
    del os.environ["DIFF_USER"]
    note.error("unset", lambda: dg.materialize([table], resources={"store": store}), ["DIFF_USER"])


@program
def unions_are_chosen_by_what_discriminates(note: Recorder) -> None:
    class Cat(dg.Config):
        kind: Literal["cat"] = "cat"
        meows: int

    class Dog(dg.Config):
        kind: Literal["dog"] = "dog"
        barks: float = 2.0

    class Owner(dg.Config):
        pet: Cat | Dog = PydanticField(discriminator="kind")

    @dg.op
    def show(config: Owner):
        return [type(config.pet).__name__, config.pet.kind]

    @dg.job
    def showing():
        show()

    def run(pet):
        return showing.execute_in_process({"ops": {"show": {"config": {"pet": pet}}}})

    note.run("cat", run({"cat": {"meows": 2}}), outputs=["show"])
    note.run("dog", run({"dog": {}}), outputs=["show"])
    for label, wrong, said in (
        ("both", {"cat": {"meows": 1}, "dog": {}}, ["cat", "dog"]),
        ("neither", {}, ["pet"]),
        ("inside", {"cat": {"mews": 1}}, ["mews"]),
    ):
        note.error(label, lambda wrong=wrong: run(wrong), said)
    by_class = dg.RunConfig(ops={"show": Owner(pet=Cat(meows=9))})
    note.run("by class", showing.execute_in_process(run_config=by_class), outputs=["show"])


@program
def config_classes_are_values(note: Recorder) -> None:
    class Limits(dg.Config):
        rows: int = 5
        name: str = "n"

    note("equal", Limits(rows=1) == Limits(rows=1))
    note("dump", Limits(rows=1).model_dump())
    note.error("frozen", lambda: setattr(Limits(), "rows", 3))
    note.error("extra", lambda: Limits(rows=1, rwos=2), ["rwos"])
    note("copied", Limits(rows=1).model_copy(update={"rows": 2}).rows)


@program
def config_of_ops_is_given_in_every_way(note: Recorder) -> None:
    class Limits(dg.Config):
        rows: int

    @dg.op
    def show(config: Limits):
        return config.rows

    @dg.op
    def plain(config: dict):
        return config

    @dg.job
    def showing():
        show()

    as_class = dg.RunConfig(ops={"show": Limits(rows=1)})
    as_dict = dg.RunConfig(ops={"show": {"config": {"rows": 2}}})
    note.run("class", showing.execute_in_process(run_config=as_class), outputs=["show"])
    note.run("dict", showing.execute_in_process(run_config=as_dict), outputs=["show"])
    note("as a dict", as_class.to_config_dict()["ops"])

    @dg.job(config=as_class)
    def fixed():
        show()

    note.run("of the job", fixed.execute_in_process(), outputs=["show"])

    @dg.job(config={"ops": {"show": {"config": {"rows": 4}}}})
    def as_default():
        show()

    note.run("over the default", as_default.execute_in_process(), outputs=["show"])
    note.error(
        "a config class of another op",
        lambda: showing.execute_in_process(run_config=dg.RunConfig(ops={"shown": Limits(rows=1)})),
        ["shown"],
    )


@program
def config_mappings_nest_in_graphs(note: Recorder) -> None:
    @dg.op(config_schema={"n": int})
    def number(context):
        return context.op_config["n"]

    @dg.op
    def total(left, right):
        return left + right

    @dg.graph(
        config=dg.ConfigMapping(
            config_schema={"both": int, "plus": dg.Field(int, default_value=1)},
            config_fn=lambda config: {
                "left": {"config": {"n": config["both"]}},
                "right": {"config": {"n": config["both"] + config["plus"]}},
            },
        ),
    )
    def pair():
        return total(number.alias("left")(), number.alias("right")())

    @dg.job
    def pairs():
        pair()

    run = pairs.execute_in_process({"ops": {"pair": {"config": {"both": 10}}}})
    note.run("run", run, outputs=["pair"])
    note.error("misspelt", lambda: pairs.execute_in_process({"ops": {"pair": {"config": {"boht": 1}}}}), ["boht"])
    note.error("missing", lambda: pairs.execute_in_process(), ["pair"])
    wrong = dg.ConfigMapping(config_fn=lambda config: {"left": {"config": {"m": 1}}}, config_schema={"x": int})

    @dg.graph(config=wrong)
    def broken():
        number.alias("left")()

    note.error("a mapping that maps wrongly", lambda: broken.to_job().execute_in_process({"ops": {"x": 1}}))
    fails = dg.ConfigMapping(config_fn=lambda config: 1 / 0, config_schema={"x": int})

    @dg.graph(config=fails)
    def raises():
        number.alias("left")()

    note.error("a mapping that raises", lambda: raises.to_job().execute_in_process({"x": 1}))


@program
def configured_makes_definitions_with_less_to_say(note: Recorder) -> None:
    @dg.op(config_schema={"a": int, "b": dg.Field(int, default_value=2)})
    def show(context):
        return context.op_config

    fixed = show.configured({"a": 5}, name="fixed")

    @dg.configured(show, config_schema=int, name="by_number")
    def by_number(config):
        return {"a": config, "b": config * 2}

    twice = dg.configured(by_number, name="seven")(7)

    @dg.job
    def showing():
        fixed()
        by_number()
        twice()

    result = showing.execute_in_process({"ops": {"by_number": {"config": 4}}})
    note.run("run", result, outputs=["fixed", "by_number", "seven"])
    note.error("wrong", lambda: show.configured({"c": 5}, name="wrong"), ["c"])
    note.error("no name", lambda: dg.configured(show)({"a": 1}).name)

    @dg.resource(config_schema={"url": str, "n": int})
    def store(context):
        return context.resource_config

    @dg.configured(store, config_schema={"n": int})
    def local(config):
        return {"url": "local", "n": config["n"]}

    @dg.asset(required_resource_keys={"store"})
    def table(context):
        return context.resources.store

    run = dg.materialize([table], resources={"store": local}, run_config={"resources": {"store": {"config": {"n": 3}}}})
    note.run("resource", run, outputs=["table"])


@program
def run_config_is_checked_where_it_is_misspelt(note: Recorder) -> None:
    class Limits(dg.Config):
        rows: int = 1

    @dg.asset
    def table(config: Limits):
        return config.rows

    @dg.asset
    def other(table):
        return table

    for label, wrong, said in (
        ("top", {"opps": {}}, ["opps"]),
        ("asset", {"ops": {"tabel": {"config": {"rows": 1}}}}, ["tabel"]),
        ("config", {"ops": {"table": {"confg": {"rows": 1}}}}, ["confg"]),
        ("field", {"ops": {"table": {"config": {"row": 1}}}}, ["row"]),
        ("resource", {"resources": {"store": {"config": {}}}}, ["store"]),
        ("no config taken", {"ops": {"other": {"config": {"x": 1}}}}, []),
        ("execution", {"execution": {"config": {"multi": 1}}}, ["multi"]),
        ("loggers", {"loggers": {"consol": {}}}, ["consol"]),
        ("a list", {"ops": [1]}, ["ops"]),
    ):
        note.error(label, lambda wrong=wrong: dg.materialize([table, other], run_config=wrong).success, said)


@program
def run_config_is_validated_without_a_run(note: Recorder) -> None:
    @dg.op(config_schema={"a": int})
    def show(context):
        return context.op_config["a"]

    @dg.job
    def showing():
        show()

    note("valid", dg.validate_run_config(showing, {"ops": {"show": {"config": {"a": 1}}}})["ops"]["show"]["config"])
    note.error("not valid", lambda: dg.validate_run_config(showing), ["show"])
    note.error("wrong", lambda: dg.validate_run_config(showing, {"ops": {"show": {"config": {"a": "x"}}}}), ["a"])


@program
def config_from_files_and_packages(note: Recorder) -> None:
    with open("one.yaml", "w") as file:
        file.write("ops:\n  show:\n    config:\n      a: 1\n      b: x\n")
    with open("two.yaml", "w") as file:
        file.write("ops:\n  show:\n    config:\n      a: 2\n")
    note("merged", dg.config_from_files(["one.yaml", "two.yaml"]))
    note("strings", dg.config_from_yaml_strings(["a: 1\nb: [1, 2]", "b: [3]\nc: {d: null}"]))
    note.error("no file", lambda: dg.config_from_files(["none.yaml"]), ["none.yaml"])
    note.error("no yaml", lambda: dg.config_from_yaml_strings(["a: [1"]))
