"""Types of one's own: what is checked, what is told, and values that come from config."""

import dagster as dg
from recorder import Recorder, program

Even = dg.DagsterType(
    name="Even",
    type_check_fn=lambda _, value: isinstance(value, int) and value % 2 == 0,
    description="a number that two divides",
)


def job_of(*ops):
    """Return a job in which each op takes what the one before gives."""

    @dg.job
    def chained():
        value = ops[0]()
        for each in ops[1:]:
            value = each(value)

    return chained


@program
def a_type_checks_what_is_given_and_taken(note: Recorder) -> None:
    @dg.op(out=dg.Out(Even))
    def two():
        return 2

    @dg.op(out=dg.Out(Even))
    def three():
        return 3

    @dg.op(ins={"number": dg.In(Even)})
    def show(number):
        return number

    @dg.op
    def five():
        return 5

    note.run("even", job_of(two, show).execute_in_process(), outputs=["show"])
    note.run("odd output", job_of(three, show).execute_in_process(raise_on_error=False))
    note.run("odd input", job_of(five, show).execute_in_process(raise_on_error=False))
    note.error("raised", job_of(three).execute_in_process, ["Even", "result"])
    note.error("raised for the input", job_of(five, show).execute_in_process, ["Even", "number"])


@program
def a_type_check_tells_why_and_more(note: Recorder) -> None:
    def small(_, value):
        return dg.TypeCheck(success=value < 10, description=f"{value} is not small", metadata={"value": value})

    Small = dg.DagsterType(name="Small", type_check_fn=small)

    @dg.op(out=dg.Out(Small))
    def big():
        return 50

    @dg.op(out=dg.Out(Small))
    def little():
        return 5

    result = job_of(big).execute_in_process(raise_on_error=False)
    note.run("big", result)
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    note("said", "50 is not small" in failure.step_failure_data.error.message)
    note("cause", failure.step_failure_data.error.cause)
    note.run("little", job_of(little).execute_in_process())
    note.error("failure", lambda: job_of(big).execute_in_process(), ["50 is not small", "Small"])


@program
def a_type_check_that_breaks_or_says_nothing(note: Recorder) -> None:
    Broken = dg.DagsterType(name="Broken", type_check_fn=lambda _, value: 1 / (value - 1) > 0)
    Strange = dg.DagsterType(name="Strange", type_check_fn=lambda _, value: "yes")

    @dg.op(out=dg.Out(Broken))
    def first():
        return 1

    @dg.op(out=dg.Out(Strange))
    def second():
        return 1

    note.run("broken", job_of(first).execute_in_process(raise_on_error=False))
    note.error("strange", job_of(second).execute_in_process, ["Strange"])


@program
def types_are_said_by_annotations(note: Recorder) -> None:
    @dg.op
    def number() -> int:
        return "one"

    @dg.op
    def show(number: str):
        return number

    @dg.op
    def one() -> int:
        return 1

    note.error("output", job_of(number).execute_in_process, ["result", "number"])
    note.error("input", job_of(one, show).execute_in_process, ["number", "show"])

    @dg.op
    def many() -> list[int]:
        return [1, "two"]

    @dg.op
    def maybe() -> int | None:
        return None

    @dg.op
    def by_name() -> dict[str, int]:
        return {"a": 1}

    for op in (many, maybe, by_name):
        note.run(op.name, job_of(op).execute_in_process(raise_on_error=False))


@program
def collections_of_types(note: Recorder) -> None:
    given = {
        "list": (dg.List[int], [1, 2], [1, "x"]),
        "optional": (dg.Optional[int], None, "x"),
        "dict": (dg.Dict[str, int], {"a": 1}, {"a": "b"}),
        "set": (dg.Set[int], {1}, {"x"}),
        "tuple": (dg.Tuple[int, str], (1, "a"), (1, 2)),
        "any": (dg.Any, object, None),
        "nothing": (dg.Nothing, None, 5),
        "string": (dg.String, "a", 1),
        "int": (dg.Int, 1, 1.0),
        "float": (dg.Float, 1.0, "x"),
        "bool": (dg.Bool, True, 1),
    }
    for label, (kind, right, wrong) in given.items():
        note(label, [dg.check_dagster_type(kind, right).success, dg.check_dagster_type(kind, wrong).success])
    note("of our own", [dg.check_dagster_type(Even, 2).success, dg.check_dagster_type(Even, 3).success])
    told = dg.check_dagster_type(int, "x")
    note("kind", [told.success, "x" in (told.description or "") or "str" in (told.description or "")])


@program
def classes_are_made_types(note: Recorder) -> None:
    @dg.usable_as_dagster_type(name="Point", description="where")
    class Point:
        def __init__(self, x):
            self.x = x

    Line = dg.PythonObjectDagsterType(python_type=type("Line", (), {}), name="Line")
    Numbers = dg.PythonObjectDagsterType(python_type=(int, float), name="Numbers")

    @dg.op(out=dg.Out(Point))
    def point():
        return Point(1)

    @dg.op
    def show(point: Point) -> Point:
        return point

    @dg.op(out=dg.Out(Line))
    def no_line():
        return Point(1)

    @dg.op(out=dg.Out(Numbers))
    def number():
        return 1.5

    note.run("point", job_of(point, show).execute_in_process())
    note.run("line", job_of(no_line).execute_in_process(raise_on_error=False))
    note.run("number", job_of(number).execute_in_process(), outputs=["number"])
    note("direct", [dg.check_dagster_type(Point, Point(1)).success, dg.check_dagster_type(Point, 1).success])
    note("names", [Line.display_name, Numbers.display_name, Even.display_name, Even.key, Even.description])


@program
def a_class_is_made_a_type_from_outside(note: Recorder) -> None:
    class Frame:
        def __init__(self, rows):
            self.rows = rows

    kind = dg.PythonObjectDagsterType(
        python_type=Frame,
        name="Frame",
    )
    dg.make_python_type_usable_as_dagster_type(python_type=Frame, dagster_type=kind)

    @dg.op
    def frame() -> Frame:
        return Frame(1)

    @dg.op
    def no_frame() -> Frame:
        return 1

    note.run("frame", job_of(frame).execute_in_process())
    note.error("no frame", job_of(no_frame).execute_in_process, ["Frame"])


@program
def a_loader_makes_values_of_config(note: Recorder) -> None:
    class Point:
        def __init__(self, x, y):
            self.x, self.y = x, y

    @dg.dagster_type_loader({"x": int, "y": dg.Field(int, default_value=0)})
    def point_of(context, config):
        return Point(config["x"], config["y"])

    PointType = dg.DagsterType(
        name="PointType", type_check_fn=lambda _, value: isinstance(value, Point), loader=point_of
    )

    @dg.op(ins={"point": dg.In(PointType)})
    def show(point):
        return [point.x, point.y]

    @dg.job
    def showing():
        show()

    def run(given):
        return showing.execute_in_process({"ops": {"show": {"inputs": {"point": given}}}})

    note.run("given", run({"x": 3}), outputs=["show"])
    note.error("wrong", lambda: run({"x": "a"}), ["point"])
    note.error("misspelt", lambda: run({"x": 1, "z": 2}), ["z"])
    note.error("none", showing.execute_in_process, ["point"])


@program
def a_loader_uses_resources_and_may_break(note: Recorder) -> None:
    @dg.dagster_type_loader(str, required_resource_keys={"shop"})
    def priced(context, name):
        return context.resources.shop[name]

    Price = dg.DagsterType(name="Price", type_check_fn=lambda _, value: isinstance(value, int), loader=priced)

    @dg.op(ins={"price": dg.In(Price)})
    def show(price):
        return price

    @dg.job(resource_defs={"shop": dg.ResourceDefinition.hardcoded_resource({"apple": 3, "free": "nothing"})})
    def showing():
        show()

    def run(name):
        return showing.execute_in_process({"ops": {"show": {"inputs": {"price": name}}}}, raise_on_error=False)

    note.run("price", run("apple"), outputs=["show"])
    note.run("no such", run("pear"))
    note.run("of another type", run("free"))


@program
def plain_inputs_come_from_config(note: Recorder) -> None:
    @dg.op
    def show(number: int, name: str, flags: list[bool], by: dict, rate: float = 2.5):
        return [number, name, flags, by, rate]

    @dg.job
    def showing():
        show()

    given = {
        "number": 1,
        "name": {"value": "x"},
        "flags": [True, {"value": False}],
        "by": {"a": 1},
    }
    note.error("run", lambda: showing.execute_in_process({"ops": {"show": {"inputs": given}}}).output_for_node("show"))
    simple = {"number": 1, "name": "x", "flags": [True], "by": {"a": 1}, "rate": 1.0}
    note.error(
        "simple", lambda: showing.execute_in_process({"ops": {"show": {"inputs": simple}}}).output_for_node("show")
    )
    note.error("wrong", lambda: showing.execute_in_process({"ops": {"show": {"inputs": {**simple, "number": "x"}}}}))
    note.error("missing", lambda: showing.execute_in_process({"ops": {"show": {"inputs": {}}}}), ["number"])


@program
def types_of_assets_are_checked(note: Recorder) -> None:
    @dg.asset(dagster_type=Even)
    def four():
        return 4

    @dg.asset(dagster_type=Even)
    def seven():
        return 7

    @dg.asset(ins={"seven": dg.AssetIn(dagster_type=dg.String)})
    def takes(seven):
        return seven

    @dg.asset
    def plain() -> int:
        return 4

    @dg.asset
    def text(plain: str):
        return plain

    note.run("four", dg.materialize([four]), outputs=["four"])
    note.run("seven", dg.materialize([seven], raise_on_error=False))
    note.run("input", dg.materialize([plain, text], raise_on_error=False))
    note("type", four.op.output_defs[0].dagster_type.display_name)

    @dg.multi_asset(outs={"one": dg.AssetOut(dagster_type=Even), "other": dg.AssetOut(dagster_type=str)})
    def both():
        return 2, 3

    note.run("both", dg.materialize([both], raise_on_error=False))


@program
def types_of_what_is_joined_must_fit(note: Recorder) -> None:
    Odd = dg.DagsterType(name="Odd", type_check_fn=lambda _, value: True)

    @dg.op(out=dg.Out(Even))
    def even():
        return 2

    @dg.op(ins={"number": dg.In(Odd)})
    def odd(number): ...

    @dg.op(out=dg.Out(dg.Nothing))
    def nothing(): ...

    note.error("other", lambda: job_of(even, odd).name, ["Even", "Odd"])
    note.error("nothing", lambda: job_of(nothing, odd).name, ["Odd"])
    note.error("two types of one name", lambda: dg.DagsterType(name="Even", type_check_fn=lambda _, v: True).key)


@program
def a_type_uses_resources(note: Recorder) -> None:
    Known = dg.DagsterType(
        name="Known",
        type_check_fn=lambda context, value: value in context.resources.names,
        required_resource_keys={"names"},
    )

    @dg.op(out=dg.Out(Known))
    def name():
        return "ada"

    @dg.job(resource_defs={"names": dg.ResourceDefinition.hardcoded_resource(["ada"])})
    def known():
        name()

    @dg.job(resource_defs={"names": dg.ResourceDefinition.hardcoded_resource(["bob"])})
    def unknown():
        name()

    note.run("known", known.execute_in_process())
    note.run("unknown", unknown.execute_in_process(raise_on_error=False))
    note.error("without", lambda: job_of(name).execute_in_process(), ["names"])
