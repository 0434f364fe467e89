"""The e-mail for a run that failed: what it says, and how it is sent."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from headwater.authoring.config import EnvVar
from headwater.authoring.failure_email import make_email_on_run_failure_sensor
from headwater.authoring.job import job
from headwater.authoring.op import op
from headwater.authoring.sensors import DefaultSensorStatus, build_sensor_context
from headwater.model.errors import InvalidDefinitionError
from headwater.runtime.instance import Instance


@op
def broken() -> None:
    raise ValueError("<no> such table")


@job
def nightly() -> None:
    broken()


class Server:
    """Takes the place of the library's server, which is not ours, and writes down what it is told."""

    told: list[Any]

    def __init__(self, host: str, port: int, **_: Any) -> None:
        self.told.append((type(self).__name__, host, port))

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.told.append("closed")

    def starttls(self, **_: Any) -> None:
        self.told.append("starttls")

    def login(self, user: str, password: str) -> None:
        self.told.append((user, password))

    def send_message(self, message: EmailMessage) -> None:
        self.told.append(message)


class SslServer(Server): ...


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    Server.told = []
    monkeypatch.setattr(smtplib, "SMTP", Server)
    monkeypatch.setattr(smtplib, "SMTP_SSL", SslServer)
    return Server.told


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as made:
        nightly.execute_in_process(instance=made, raise_on_error=False)
        yield made


def sent(instance: Instance, told: list[Any], **options: Any) -> EmailMessage:
    sensor = make_email_on_run_failure_sensor(
        **{"email_from": "a@example.com", "email_password": "s3cret", "email_to": ["b@example.com"], **options}
    )
    (reaction,) = sensor.evaluate_tick(build_sensor_context(instance=instance, cursor="0")).run_reactions
    assert reaction.error is None
    message: EmailMessage = next(one for one in told if isinstance(one, EmailMessage))
    return message


def test_it_says_which_run_and_step_failed_and_why(instance: Instance, told: list[Any]) -> None:
    message = sent(instance, told, email_to=["b@example.com", "c@example.com"], webserver_base_url="http://here/")
    (run,) = instance.get_runs()
    assert (message["From"], message["To"]) == ("a@example.com", "b@example.com, c@example.com")
    assert message["Subject"] == "Run failed: nightly"
    body = message.get_content()
    assert message.get_content_type() == "text/html"
    for part in ("nightly", run.run_id, "broken", "&lt;no&gt; such table", f"http://here/runs/{run.run_id}"):
        assert part in body
    assert "<no>" not in body
    assert told[0] == ("SslServer", "smtp.gmail.com", 465)
    assert told[1] == ("a@example.com", "s3cret")


def test_words_server_and_user_can_be_other_ones(
    instance: Instance, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "from outside")
    message = sent(
        instance,
        told,
        email_password=EnvVar("MAIL_PASSWORD"),
        email_subject_fn=lambda context: f"{context.run.job_name}\nbroke",
        email_body_fn=lambda context: "<b>oh</b>",
        smtp_host="mail.example.com",
        smtp_type="STARTTLS",
        smtp_user="me",
    )
    assert message["Subject"] == "nightly broke"
    assert message.get_content().strip() == "<b>oh</b>"
    assert told == [("Server", "mail.example.com", 587), "starttls", ("me", "from outside"), message, "closed"]


def test_it_is_a_sensor_like_others() -> None:
    sensor = make_email_on_run_failure_sensor(
        "a@example.com", "x", ["b@example.com"], default_status=DefaultSensorStatus.RUNNING, monitored_jobs=[nightly]
    )
    assert (sensor.name, sensor.default_status, sensor.monitored_jobs) == (
        "email_on_run_failure",
        DefaultSensorStatus.RUNNING,
        (nightly,),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smtp_type": "STARTLS"}, 'Did you mean "STARTTLS"'),
        ({"email_to": "b@example.com"}, "list of addresses"),
        ({"email_to": []}, "list of addresses"),
        ({"monitored_jobs": [nightly], "job_selection": [nightly]}, "older name"),
    ],
)
def test_what_could_not_be_sent_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=message):
        make_email_on_run_failure_sensor(
            **{"email_from": "a@example.com", "email_password": "x", "email_to": ["b@example.com"], **options}
        )
