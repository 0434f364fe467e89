"""Dagster's components, as declarations: classes can be derived from them and functions can name them.

Headwater does not load components from folders of YAML yet, so an error names the thing where it would have to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from headwater.model.errors.root import HeadwaterError
from headwater.model.keys import AssetKey
from headwater.model.specs import AssetCheckSpec, AssetSpec

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.compat.dagster.component_models import AssetAttributesModel, Model

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class ComponentsNotCovered(HeadwaterError):
    """Components can be declared and not loaded."""

    code = "components-not-covered"

    def __init__(self, name: str) -> None:
        super().__init__(
            what=f'"{name}" would have to load or build components, which Headwater does not do.',
            why="Components can be declared, so that modules that name them are imported, and nothing more.",
            fix="Call build_defs() of your own component and return the Definitions from a module, or declare the assets in "
            "Python and load them with load_definitions_from_modules.",
        )


class Component(ABC):
    """Something that builds definitions from its attributes. Can be derived from; its `build_defs` can be called."""

    @abstractmethod
    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """Return the definitions that this component stands for."""

    @classmethod
    def load(cls, *_: Any, **__: Any) -> NoReturn:
        """Raise ComponentsNotCovered."""
        raise ComponentsNotCovered(f"{cls.__name__}.load")


class Resolvable:
    """Marks a class whose attributes can be given in YAML."""

    @classmethod
    def resolve_from_yaml(cls, *_: Any, **__: Any) -> NoReturn:
        """Raise ComponentsNotCovered."""
        raise ComponentsNotCovered(f"{cls.__name__}.resolve_from_yaml")

    resolve_from_dict = resolve_from_model = resolve_from_yaml


class Scaffolder(ABC):  # noqa: B024
    """Makes the files of a new component. Can be derived from."""


class _LoadedByDagster:
    """What only the loading of components makes: can be named in annotations, not made."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise ComponentsNotCovered(type(self).__name__)

    @classmethod
    def for_test(cls, *_: Any, **__: Any) -> NoReturn:
        """Raise ComponentsNotCovered."""
        raise ComponentsNotCovered(f"{cls.__name__}.for_test")


class ComponentLoadContext(_LoadedByDagster):
    """Where a component is loaded from."""


class ComponentTree(_LoadedByDagster):
    """All components of a project."""


class ComponentTypeSpec(_LoadedByDagster):
    """What is told of a kind of component."""


class ComponentFormConfig(_LoadedByDagster):
    """How a component is shown in a form."""


class ResolutionContext(_LoadedByDagster):
    """What is known while attributes are resolved."""


class ScaffoldRequest(_LoadedByDagster):
    """What was asked of a scaffolder."""


class UPathDefsStateStorage(_LoadedByDagster):
    """Where the state of components is kept."""


class _ComponentOfDagster(Component):
    """A component that Dagster brings: can be derived from."""

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """Raise ComponentsNotCovered."""
        raise ComponentsNotCovered(f"{type(self).__name__}.build_defs")


class DefinitionsComponent(_ComponentOfDagster):
    """Definitions of a Python file."""


class DefsFolderComponent(_ComponentOfDagster):
    """The components of a folder."""


class FunctionComponent(_ComponentOfDagster):
    """A function that an asset calls."""


class PythonScriptComponent(_ComponentOfDagster):
    """A script that an asset runs."""


class UvRunComponent(_ComponentOfDagster):
    """A script that an asset runs with uv."""


class SqlComponent(_ComponentOfDagster):
    """An asset made by a query."""


class TemplatedSqlComponent(SqlComponent):
    """An asset made by a query with holes."""


class StateBackedComponent(_ComponentOfDagster):
    """A component whose definitions follow from stored state."""


class Resolver:
    """How a field is made from what is written in YAML; stands in annotations."""

    def __init__(self, fn: Callable[..., Any] | None = None, **settings: Any) -> None:
        self.fn = fn
        self.settings = settings

    @classmethod
    def default(cls, **settings: Any) -> Resolver:
        """Return the resolver that takes what is written as it is."""
        return cls(None, **settings)


Injected = Annotated[T, "injected"]
ResolvedAssetKey = Annotated[AssetKey, Resolver()]
ResolvedAssetSpec = Annotated[AssetSpec, Resolver()]
ResolvedAssetCheckSpec = Annotated[AssetCheckSpec, Resolver()]


def template_var(fn: F) -> F:
    """Return the function: its value may stand in YAML under its name."""
    return fn


def scaffold_with(scaffolder: type[Scaffolder]) -> Callable[[T], T]:
    """Return a decorator that returns its class, which names its scaffolder."""
    return lambda kind: kind


def _not_covered(name: str, tells: str) -> Callable[..., NoReturn]:
    def declared(*_: Any, **__: Any) -> NoReturn:
        raise ComponentsNotCovered(name)

    declared.__name__ = declared.__qualname__ = name
    declared.__doc__ = f"{tells} Raises ComponentsNotCovered."
    return declared


build_component_defs = _not_covered("build_component_defs", "Would load the components of a folder.")
build_defs_for_component = _not_covered("build_defs_for_component", "Would build the definitions of one component.")
component_defs = _not_covered("component_defs", "Would load components in a test.")
component_instance = _not_covered("component_instance", "Would make a component beside the loaded ones.")
get_all_components_defs_within_project = _not_covered(
    "get_all_components_defs_within_project", "Would load all components of a project."
)
get_component_defs_within_project = _not_covered(
    "get_component_defs_within_project", "Would load one component of a project."
)
load_defs = _not_covered("load_defs", "Would load the definitions of a folder.")
load_from_defs_folder = _not_covered("load_from_defs_folder", "Would load the definitions of a project's folder.")
scaffold_component = _not_covered("scaffold_component", "Would write the files of a new component.")


# Models need pydantic, which nobody should wait for who only looks at names.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in ("Model", "AssetAttributesModel"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from headwater.compat.dagster import component_models

        return getattr(component_models, name)


__all__ = [
    "AssetAttributesModel",
    "Component",
    "ComponentFormConfig",
    "ComponentLoadContext",
    "ComponentTree",
    "ComponentTypeSpec",
    "DefinitionsComponent",
    "DefsFolderComponent",
    "FunctionComponent",
    "Injected",
    "Model",
    "PythonScriptComponent",
    "ResolutionContext",
    "Resolvable",
    "ResolvedAssetCheckSpec",
    "ResolvedAssetKey",
    "ResolvedAssetSpec",
    "Resolver",
    "ScaffoldRequest",
    "Scaffolder",
    "SqlComponent",
    "StateBackedComponent",
    "TemplatedSqlComponent",
    "UPathDefsStateStorage",
    "UvRunComponent",
    "build_component_defs",
    "build_defs_for_component",
    "component_defs",
    "component_instance",
    "get_all_components_defs_within_project",
    "get_component_defs_within_project",
    "load_defs",
    "load_from_defs_folder",
    "scaffold_component",
    "scaffold_with",
    "template_var",
]
