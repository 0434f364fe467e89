"""Where a command works: the project whose definitions it reads, and the instance that remembers."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.graph.asset_graph import AssetGraph
    from headwater.model.keys import AssetKey
    from headwater.runtime.instance import Instance
    from headwater.runtime.project import LoadedProject
    from headwater.runtime.settings import Settings


# What may be the key of an asset in a selection.
_NAMES = re.compile(r"[\w./-]+")


def _let_dagster_mean_headwater() -> None:
    """A project that imports `dagster` loads where that is not installed, and a line on stderr says on what it runs."""
    from headwater.compat.dagster.aliases import install, install_where_missing

    if os.environ.get("HEADWATER_AS_DAGSTER") == "1":
        install()
        return
    install_where_missing(
        lambda: print("dagster is not installed: Headwater stands in for it (docs/dagster.md).", file=sys.stderr)
    )


@dataclass
class Workplace:
    """What was said about where definitions and state are; each is loaded when it is first asked for."""

    module: str | None = None
    file: str | None = None
    home: str | None = None

    @cached_property
    def project(self) -> LoadedProject:
        """The project. Raises DefinitionsNotLoaded, from whatever went wrong."""
        from headwater.runtime.project import find_definitions

        _let_dagster_mean_headwater()
        with _loading():
            return find_definitions(self.module, self.file)

    @property
    def definitions(self) -> Definitions:
        return self.project.definitions

    @property
    def graph(self) -> AssetGraph:
        return self.definitions.graph

    @cached_property
    def settings(self) -> Settings:
        """The settings of the project, with --home. Nothing of the project is imported for them."""
        from headwater.runtime.project import find_settings

        with _loading():
            settings = find_settings(self.module, self.file)
        if self.home is None:
            return settings
        home = Path(self.home).expanduser().absolute()
        return replace(settings, home=home, sources={**settings.sources, "home": "--home"})

    @contextlib.contextmanager
    def instance(self) -> Iterator[Instance]:
        """Give the instance; runs that were found dead are told of."""
        from headwater.runtime.instance import Instance

        with Instance.from_settings(self.settings) as instance:
            self._adopt_former_keys(instance)
            yield instance

    def _adopt_former_keys(self, instance: Instance) -> None:
        """Where the definitions were loaded: assets that were renamed in the code take their history along.

        While a service runs, which may have other code, this is left to the service.
        """
        if "project" not in self.__dict__:
            return
        from headwater.runtime.instance_repairs import declares_former_keys

        if not declares_former_keys(self.definitions.index):
            return
        from headwater.runtime.moves import adopt_former_keys
        from headwater.service.control import find_service

        if instance.home is not None and find_service(instance.home) is not None:
            instance.adopts_former_keys = False
        else:
            for move in adopt_former_keys(self.definitions, instance):
                print(
                    f"Renamed in the code: {move.former_key} -> {move.key}. Its history moved along.", file=sys.stderr
                )

    @property
    def has_state(self) -> bool:
        """Whether anything has been recorded. Raises StateNotFound where --home names a folder that is not there."""
        from headwater.runtime.home import STORE_FILE, StateNotFound

        home = self.settings.home
        if self.home is not None and not home.exists():
            raise StateNotFound(str(home))
        if self.settings.database is not None:
            from headwater.store import postgres_schema_version

            return postgres_schema_version(self.settings.database.url) > 0
        return (home / STORE_FILE).exists()

    @contextlib.contextmanager
    def instance_to_read(self) -> Iterator[Instance]:
        """Give the instance to a command that only looks: where there is no state none is made, and stderr says so."""
        if self.has_state:
            with self.instance() as instance:
                yield instance
            return
        from headwater.runtime.instance import Instance

        print(f"There is no state at {self.settings.state_place} yet.", file=sys.stderr)
        with Instance.ephemeral() as instance:
            yield instance

    def selected(self, text: str | None, *, include_sources: bool = True) -> list[AssetKey]:
        """Return the assets of a selection (default: all) in the order in which they could be built."""
        graph = self.graph
        order = graph.toposort()
        if text is None or text.strip() == "*":
            return [key for key in order if not graph.is_implied(key) or include_sources]
        from headwater.graph.selection import AssetSelection

        with self.telling_of_renames(text):
            chosen = AssetSelection.from_string(text, include_sources=include_sources).resolve_nonempty(graph)
        return [key for key in order if key in chosen]

    def asset_key(self, text: str) -> AssetKey:
        """Return the key of one asset. Raises UnknownAsset that offers the nearest."""
        from headwater.model.errors.graph import UnknownAsset
        from headwater.model.keys import AssetKey

        key = AssetKey.parse(text) if all(text.split("/")) else None
        if key is None or not self.graph.has(key):
            self._refuse_old_keys(text)
            raise UnknownAsset(text, map(str, self.graph.keys), "See: headwater asset list")
        return key

    @contextlib.contextmanager
    def telling_of_renames(self, selection: str | None) -> Iterator[None]:
        """When the selection turns out to name what is not there: say what is called otherwise now."""
        from headwater.model.errors import InvalidSubsetError

        try:
            yield
        except InvalidSubsetError:
            self._refuse_old_keys(selection or "")
            raise

    def _refuse_old_keys(self, text: str) -> None:
        """Raise RenamedAsset when the text names an asset by a key that it had before."""
        if not self.has_state:
            return
        with self.instance() as instance:
            renames = instance.store.renames()
        for name in _NAMES.findall(text) if renames else ():
            latest = renames.latest(name)
            if latest is not None:
                from headwater.model.errors.repair import RenamedAsset
                from headwater.views.words import instant_in_words

                raise RenamedAsset(name, latest[0], instant_in_words(latest[1]))


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Whatever goes wrong inside keeps the definitions from loading. What modules print is no result: to stderr."""
    from headwater.cli.error_report import DefinitionsNotLoaded

    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise DefinitionsNotLoaded from _as_exception(error)


def _as_exception(error: Any) -> Exception:
    """A module that exits while it is imported must not end the command in silence."""
    from headwater.cli.error_report import CommandRefused

    if isinstance(error, Exception):
        return error
    return CommandRefused(
        what=f"A module called sys.exit({error.code!r}) while it was imported.",
        why="Its definitions could not be read.",
        fix='Put what a script does under: if __name__ == "__main__":',
    )
