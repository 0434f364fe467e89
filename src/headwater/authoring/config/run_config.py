"""RunConfig: the whole configuration of one run, with config objects or plain mappings in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.schema import is_model


@dataclass
class RunConfig:
    """What a run is given: `ops` and `resources` by name, each a config object or {"config": {...}}.

    `execution` and `loggers` configure how it is executed and where it logs, `inputs` the inputs of its graph.
    """

    ops: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    loggers: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        ops: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        loggers: Mapping[str, Any] | None = None,
        execution: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        self.ops = dict(ops or {})
        self.resources = dict(resources or {})
        self.loggers = dict(loggers or {})
        self.execution = dict(execution or {})
        self.inputs = dict(inputs or {})

    def to_config_dict(self) -> dict[str, Any]:
        """Return it as the plain mapping that is stored with the run; environment variables stay names."""
        sections: dict[str, Any] = {
            "loggers": _by_name(self.loggers),
            "resources": _by_name(self.resources),
            "ops": _by_name(self.ops),
            "execution": plain_config(self.execution),
        }
        if self.inputs:
            sections["inputs"] = plain_config(self.inputs)
        return sections


def _by_name(section: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain_config({"config": given} if is_model(given) else given) for name, given in section.items()}


def run_config_dict(run_config: RunConfig | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return whatever a user gave as `run_config=` as one plain mapping, empty when there is none."""
    if run_config is None:
        return {}
    if isinstance(run_config, RunConfig):
        return run_config.to_config_dict()
    return {
        name: _by_name(section) if name in _NAMED_SECTIONS and isinstance(section, Mapping) else plain_config(section)
        for name, section in run_config.items()
    }


_NAMED_SECTIONS = ("ops", "resources", "loggers")
