"""The words that both sides share: names of variables and fields, and how parameters are encoded.

The other side is the `dagster-pipes` package (protocol 0.1), or a writer of its protocol in any other language.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

PROTOCOL_VERSION: Final = "0.1"
VERSION_FIELD: Final = "__dagster_pipes_version"
CONTEXT_VARIABLE: Final = "DAGSTER_PIPES_CONTEXT"
MESSAGES_VARIABLE: Final = "DAGSTER_PIPES_MESSAGES"
COMPOSITE_WRITERS_KEY: Final = "dagster_pipes_composite_writers"
PATH_KEY: Final = "path"
DATA_KEY: Final = "data"
INCLUDE_STDIO_KEY: Final = "include_stdio_in_messages"

PipesParams = Mapping[str, Any]
"""Where context or messages are to be found: plain data that is handed to the external process."""

PipesExtras = Mapping[str, Any]
"""What the author hands to the external process beside the context: plain data."""


class PipesMessage(TypedDict):
    """What the external process says, one line of JSON each (and the version of the protocol beside it)."""

    method: str
    params: Mapping[str, Any] | None


class PipesOpenedData(TypedDict):
    """What the external process tells when it opens its session."""

    extras: Mapping[str, Any]


class PipesLaunchedData(TypedDict):
    """What the launching code tells of the process that it has started, such as its id in another system."""

    extras: Mapping[str, Any]


class PipesPartitionKeyRange(TypedDict):
    """The first and the last partition of the step."""

    start: str
    end: str


class PipesTimeWindow(TypedDict):
    """The time that the step's partitions cover, as ISO 8601 with the offset of its zone; the end is not part of it."""

    start: str
    end: str


class PipesDataProvenance(TypedDict):
    """From what the asset was last made."""

    code_version: str
    input_data_versions: Mapping[str, str]
    is_user_provided: bool


class PipesContextData(TypedDict):
    """What the external process is told of the step. Asset keys are written "sales/orders"."""

    asset_keys: Sequence[str] | None
    code_version_by_asset_key: Mapping[str, str | None] | None
    provenance_by_asset_key: Mapping[str, PipesDataProvenance | None] | None
    partition_key: str | None
    partition_key_range: PipesPartitionKeyRange | None
    partition_time_window: PipesTimeWindow | None
    run_id: str
    job_name: str | None
    retry_number: int
    extras: Mapping[str, Any]


def encode_param(value: Any) -> str:
    """Return plain data as text for one environment variable or argument: JSON, compressed, in base 64."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def decode_param(text: str) -> Any:
    """Return what encode_param encoded."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def argument_name(variable: str) -> str:
    """Return the command-line argument that stands for an environment variable: --dagster-pipes-context."""
    return "--" + variable.lower().replace("_", "-")


def written_key(parts: tuple[str, ...]) -> str:
    """Return an asset key as the protocol writes it: parts joined by slashes, backslashes doubled."""
    return "/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in parts)


def key_parts(written: str) -> list[str]:
    """Return the parts of a written asset key; a backslash takes the next character as it is."""
    parts = [""]
    characters = iter(written)
    for character in characters:
        if character == "/":
            parts.append("")
        else:
            parts[-1] += next(characters, "\\") if character == "\\" else character
    return parts
