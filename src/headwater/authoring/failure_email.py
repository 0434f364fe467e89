"""A sensor that writes an e-mail for each run that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from headwater.authoring.run_status_sensor import MonitoredJob, RunStatusSensorDefinition, run_failure_sensor
from headwater.authoring.run_status_sensor_context import RunFailureSensorContext
from headwater.authoring.sensors import DefaultSensorStatus
from headwater.model.errors import InvalidDefinitionError, did_you_mean

if TYPE_CHECKING:
    from email.message import EmailMessage

_PORTS = {"SSL": 465, "STARTTLS": 587}
_TIMEOUT_SECONDS = 30


def failure_subject(context: RunFailureSensorContext) -> str:
    """Return the subject that is written where no other is asked for."""
    return f"Run failed: {context.run.job_name}"


def failure_body(context: RunFailureSensorContext) -> str:
    """Return the body, HTML, that is written where no other is asked for: run, cause, and the steps that failed."""
    from html import escape

    run = context.run
    rows = [("Job", run.job_name), ("Run", run.run_id)]
    if context.partition_key is not None:
        rows.append(("Partition", context.partition_key))
    if run.cause:
        rows.append(("Cause", run.cause))
    lines = "".join(f"<li>{name}: {escape(value)}</li>" for name, value in rows)
    steps = "".join(
        f"<li>{escape(event.step_key or '')}<pre>{escape(event.error.root.to_string() if event.error else '')}</pre></li>"
        for event in context.get_step_failure_events()
    )
    return f"<ul>{lines}</ul>" + (f"<p>Steps that failed:</p><ul>{steps}</ul>" if steps else "")


def make_email_on_run_failure_sensor(
    email_from: str,
    email_password: str,
    email_to: Sequence[str],
    email_body_fn: Callable[[RunFailureSensorContext], str] = failure_body,
    email_subject_fn: Callable[[RunFailureSensorContext], str] = failure_subject,
    smtp_host: str = "smtp.gmail.com",
    smtp_type: str = "SSL",
    smtp_port: int | None = None,
    smtp_user: str | None = None,
    name: str | None = None,
    webserver_base_url: str | None = None,
    monitored_jobs: Sequence[MonitoredJob] | None = None,
    job_selection: Sequence[MonitoredJob] | None = None,
    monitor_all_code_locations: bool = False,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    monitor_all_repositories: bool = False,
) -> RunStatusSensorDefinition:
    """Return a sensor that sends an HTML e-mail for each run that fails.

    email_password: text, or an EnvVar, which is read when an e-mail is sent.
    smtp_type: "SSL" (port 465) or "STARTTLS" (port 587); `smtp_port` overrides the port.
    smtp_user: who logs in, `email_from` by default. webserver_base_url: adds a link to the run below it.
    Raises InvalidDefinitionError for an unknown smtp_type, and where nobody would get it.
    """
    of = f'Sensor "{name or "email_on_run_failure"}"'
    if smtp_type not in _PORTS:
        raise InvalidDefinitionError(
            what=f"{of} was given smtp_type={smtp_type!r}.",
            why="It is not a way to send an e-mail safely.",
            fix=f'{did_you_mean(str(smtp_type), _PORTS)}Write smtp_type="SSL" or smtp_type="STARTTLS".',
        )
    if isinstance(email_to, str) or not email_to:
        raise InvalidDefinitionError(
            what=f"{of} was given email_to={email_to!r}.",
            why="It is a list of addresses, with one at least.",
            fix='Write email_to=["you@example.com"].',
        )
    recipients = list(email_to)

    @run_failure_sensor(
        name=name or "email_on_run_failure",
        description="Writes an e-mail for each run that fails.",
        monitored_jobs=monitored_jobs,
        job_selection=job_selection,
        monitor_all_code_locations=monitor_all_code_locations or None,
        default_status=default_status,
        monitor_all_repositories=monitor_all_repositories or None,
    )
    def email_on_run_failure(context: RunFailureSensorContext) -> None:
        from email.message import EmailMessage

        body = email_body_fn(context)
        if webserver_base_url:
            link = f"{webserver_base_url.rstrip('/')}/runs/{context.run.run_id}"
            body += f'<p><a href="{link}">Look at the run</a></p>'
        message = EmailMessage()
        message["From"], message["To"] = email_from, ", ".join(recipients)
        # A header is one line, and what a job is called or raised may have several.
        message["Subject"] = " ".join(email_subject_fn(context).split())
        message.set_content(body, subtype="html")
        _send(message, smtp_host, smtp_type, smtp_port, smtp_user or email_from, email_password)

    return email_on_run_failure


def _send(message: EmailMessage, host: str, smtp_type: str, port: int | None, user: str, password: str) -> None:
    import smtplib
    import ssl

    from headwater.authoring.config import EnvVar

    secret = password.get_value() if isinstance(password, EnvVar) else password
    encryption = ssl.create_default_context()
    port = _PORTS[smtp_type] if port is None else port
    server = (
        smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=encryption)
        if smtp_type == "SSL"
        else smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
    )
    with server:
        if smtp_type == "STARTTLS":
            server.starttls(context=encryption)
        server.login(user, secret or "")
        server.send_message(message)
