"""Repositories: what they hold, what they answer, and what they refuse."""

import dagster as dg
from recorder import Recorder, program


@dg.op
def say():
    return "said"


@dg.job(tags={"team": "a"})
def saying():
    say()


@dg.asset
def first():
    return 1


@dg.asset(group_name="g")
def second(first):
    return first + 1


@dg.asset_check(asset=first)
def fine():
    return dg.AssetCheckResult(passed=True)


def told_jobs(repo):
    return sorted(name for name in repo.job_names if not name.startswith("__"))


@program
def a_repository_is_a_function_that_lists(note: Recorder) -> None:
    @dg.schedule(job=saying, cron_schedule="0 1 * * *")
    def nightly():
        return {}

    @dg.sensor(job=saying)
    def watching():
        yield dg.SkipReason("no")

    @dg.repository(description="all of it", metadata={"owner": "me"})
    def whole():
        return [
            saying,
            first,
            second,
            fine,
            nightly,
            watching,
            dg.SourceAsset("source"),
            dg.define_asset_job("some", selection="first"),
        ]

    note("kind", isinstance(whole, dg.RepositoryDefinition))
    note("name", whole.name)
    note("description", whole.description)
    note("metadata", whole.metadata)
    note("jobs", told_jobs(whole))
    note("has", [whole.has_job("saying"), whole.has_job("nothing")])
    note("all jobs", sorted(job.name for job in whole.get_all_jobs() if not job.name.startswith("__")))
    note("schedules", [each.name for each in whole.schedule_defs])
    note("sensors", [each.name for each in whole.sensor_defs])
    note("has schedule", [whole.has_schedule_def("nightly"), whole.has_schedule_def("daily")])
    note("has sensor", [whole.has_sensor_def("watching"), whole.has_sensor_def("seeing")])
    note("schedule", whole.get_schedule_def("nightly").cron_schedule)
    note("sensor", whole.get_sensor_def("watching").name)
    note("assets", sorted(key.to_user_string() for key in whole.assets_defs_by_key))
    note("sources", sorted(key.to_user_string() for key in whole.source_assets_by_key))
    note("checks", list(whole.asset_checks_defs_by_key))
    note.run("job", whole.get_job("saying").execute_in_process(), outputs=["say"])
    note.run("asset job", whole.get_job("some").execute_in_process(raise_on_error=False))
    note("schedule named", [each.job_name for each in whole.schedule_defs])
    note.error("no job", lambda: whole.get_job("sayin"), ["sayin"])
    note.error("no schedule", lambda: whole.get_schedule_def("night"), ["night"])
    note.error("no sensor", lambda: whole.get_sensor_def("watch"), ["watch"])


@program
def a_repository_has_a_name_and_no_more(note: Recorder) -> None:
    @dg.repository(name="other")
    def named():
        return [saying]

    note("name", named.name)
    note("jobs", told_jobs(named))
    note("description", named.description)

    @dg.repository
    def documented():
        """From the docstring."""
        return []

    note("docstring", documented.description)
    note("empty", told_jobs(documented))


@program
def a_repository_refuses_what_does_not_fit(note: Recorder) -> None:
    def listing(*things):
        def load():
            @dg.repository
            def broken():
                return list(things)

            return told_jobs(broken)

        return load

    @dg.job(name="saying")
    def other():
        say()
        say()

    def a_number():
        @dg.repository
        def broken():
            return 3

    def a_name():
        @dg.repository(name="a name")
        def broken():
            return []

    note.error("a number inside", listing(3), ["3"])
    note.error("a number", a_number)
    note.error("a bad name", a_name, ["a name"])
    note.error("two jobs of a name", listing(saying, other), ["saying"])
    note.error("two assets of a key", listing(first, dg.asset(name="first")(lambda: 2)), ["first"])
    note.error("a graph", listing(dg.GraphDefinition("lonely")))
    note.error("an op", listing(say), ["say"])


@program
def a_repository_by_a_dictionary(note: Recorder) -> None:
    @dg.repository
    def by_name():
        return {"jobs": {"saying": lambda: saying}, "schedules": {}, "sensors": {}}

    note("jobs", told_jobs(by_name))
    note.run("run", by_name.get_job("saying").execute_in_process())

    def wrong():
        @dg.repository
        def broken():
            return {"jbos": {}}

    note.error("wrong key", wrong, ["jbos"])


@program
def a_repository_loads_values(note: Recorder) -> None:
    storage = dg.FilesystemIOManager(base_dir="storage")

    @dg.repository
    def stored():
        return dg.with_resources([first, second], {"io_manager": storage})

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([first, second], instance=instance, resources={"io_manager": storage})
        note("value", stored.load_asset_value("second", instance=instance))
        with stored.get_asset_value_loader(instance) as loader:
            note("loader", loader.load_asset_value("first"))


@program
def definitions_become_a_repository(note: Recorder) -> None:
    defs = dg.Definitions(assets=[first, second], jobs=[saying], asset_checks=[fine])
    repo = defs.get_repository_def()
    note("kind", isinstance(repo, dg.RepositoryDefinition))
    note("jobs", told_jobs(repo))
    note("assets", sorted(key.to_user_string() for key in repo.assets_defs_by_key))
    note("graph", sorted(key.to_user_string() for key in repo.asset_graph.get_all_asset_keys()))
