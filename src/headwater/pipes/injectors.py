"""Context injectors: how an external process gets to know of the step for which it works."""

from __future__ import annotations

import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from headwater.pipes.protocol import DATA_KEY, PATH_KEY, PipesContextData, PipesParams


class PipesContextInjector(ABC):
    """Puts the context where the external process can read it, and tells where that is."""

    @abstractmethod
    def inject_context(self, context_data: PipesContextData) -> AbstractContextManager[PipesParams]:
        """Return a context manager: the context can be read while it is open. It gives the parameters to find it by."""

    @abstractmethod
    def no_messages_debug_text(self) -> str:
        """Return one sentence on how the context was handed over, shown when the process says nothing."""


class PipesEnvContextInjector(PipesContextInjector):
    """Hands the context over within the parameters themselves, which most often travel as environment variables."""

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        yield {DATA_KEY: context_data}

    def no_messages_debug_text(self) -> str:
        return "The context was handed over within the parameters, which are environment variables or arguments."


class PipesFileContextInjector(PipesContextInjector):
    """Hands the context over as a JSON file at `path`, which is deleted when the session ends."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        with open(self._path, "w", encoding="utf-8") as file:
            json.dump(context_data, file)
        try:
            yield {PATH_KEY: self._path}
        finally:
            with suppress(FileNotFoundError):
                os.remove(self._path)

    def no_messages_debug_text(self) -> str:
        return f"The context was handed over in the file {self._path}."


class PipesTempFileContextInjector(PipesContextInjector):
    """Hands the context over as a JSON file in a temporary folder, which is deleted when the session ends."""

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        with (
            tempfile.TemporaryDirectory(prefix="headwater-pipes-", ignore_cleanup_errors=True) as folder,
            PipesFileContextInjector(os.path.join(folder, "context")).inject_context(context_data) as params,
        ):
            yield params

    def no_messages_debug_text(self) -> str:
        return "The context was handed over in a temporary file of this machine."
