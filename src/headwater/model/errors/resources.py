"""Errors about resources: what a step is handed beside its inputs, and how it is set up and torn down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.model.errors.definition import InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.root import HeadwaterError, did_you_mean, kind_of
from headwater.model.errors.user_code import UserCodeExecutionError


class UnknownResourceError(HeadwaterError, AttributeError):
    """Code asked its context for a resource that it did not say it needs."""

    code = "unknown-resource"

    def __init__(self, key: str, available: Iterable[str]) -> None:
        names = sorted(available)
        known = ", ".join(f'"{name}"' for name in names) or "none"
        self.key = key
        super().__init__(
            what=f'There is no resource "{key}" here; there are: {known}.',
            why="Only the resources that were asked for are set up, so that nothing is opened in vain.",
            fix=f'{did_you_mean(key, names)}Ask for it with required_resource_keys={{"{key}"}} or a typed parameter '
            f'({key}: MyResource), and provide it in resources={{"{key}": ...}}.',
        )


class MissingResourceError(InvalidDefinitionError):
    """A resource is needed that nothing provides."""

    code = "missing-resource"

    def __init__(self, key: str, needed_by: str, known: Iterable[str]) -> None:
        names = sorted(known)
        provided = ", ".join(f'"{name}"' for name in names) or "none"
        self.key = key
        super().__init__(
            what=f'The resource "{key}", needed by {needed_by}, is not provided; provided are: {provided}.',
            why="It could not run without it.",
            fix=f'{did_you_mean(key, names)}Provide it with resources={{"{key}": ...}}.',
        )


class NotAManager(InvalidDefinitionError):
    """What stands under the key of an IO manager or input manager cannot do what one does."""

    code = "not-a-manager"

    def __init__(self, key: str, found: object, method: str, step: str, port: str) -> None:
        does, what = ("loads the input", "load_input") if method == "load_input" else ("stores the output", method)
        self.key = key
        super().__init__(
            what=f'The resource "{key}" {does} "{port}" of "{step}", and is {kind_of(found)} without {what}().',
            why="It must be an IO manager, or an input manager where values are only loaded.",
            fix=f'Give resources={{"{key}": MyIOManager()}}, a subclass of IOManager, or what @io_manager or '
            "@input_manager makes.",
        )


class ResourceNotGiven(InvalidDefinitionError, InvalidInvocationError):
    """Something was called directly, without a resource that it needs."""

    code = "resource-not-given"

    def __init__(self, key: str, needed_by: str, *, is_parameter: bool) -> None:
        by_name = f"by name, {key}=..., or with " if is_parameter else ""
        self.key = key
        super().__init__(
            what=f'{needed_by} was called without its resource "{key}".',
            why="Its function takes it as a parameter." if is_parameter else "It is in required_resource_keys.",
            fix=f'Give it {by_name}build_asset_context(resources={{"{key}": ...}}) or build_op_context(...).',
        )


class ResourceCycleError(InvalidDefinitionError):
    """Resources need each other in a circle."""

    code = "resource-cycle"

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(
            what=f"Resources need each other in a circle: {' -> '.join(self.path)}.",
            why="None of them could be set up first.",
            fix="Let one of them do without another, or build what they share in a resource of its own.",
        )


class NestedResourceError(InvalidDefinitionError):
    """A resource within a resource is to be configured at launch, but is not a resource of its own."""

    code = "nested-resource"

    def __init__(self, owner: str, field: str, class_name: str) -> None:
        super().__init__(
            what=f'"{field}" of {owner} holds a {class_name} that is configured at launch and is not provided itself.',
            why="Nothing in a run's configuration could reach it.",
            fix=f'Give the same object a key of its own beside what holds it: resources={{"{field}": {field}, ...}}.',
        )


class ResourceSetupError(UserCodeExecutionError):
    """A resource could not be set up; what the user's code raised is the cause."""

    code = "resource-setup"

    def __init__(self, key: str, error: BaseException) -> None:
        self.key = key
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raised = f"{type(error).__name__}: {said.rstrip('.')}." if said else f"{type(error).__name__} was raised."
        super().__init__(
            what=f'The resource "{key}" could not be set up: {raised}',
            why="What needs it cannot run.",
            fix="The traceback of the cause shows where; resources already set up were torn down.",
        )


class ResourceTeardownError(HeadwaterError):
    """Tearing down resources raised. `errors` holds what each key raised, in the order of the tearing down."""

    code = "resource-teardown"

    def __init__(self, errors: Sequence[tuple[str, BaseException]]) -> None:
        self.errors = tuple(errors)
        lines = "; ".join(f'"{key}" raised {type(error).__name__}: {error}' for key, error in self.errors)
        super().__init__(
            what=f"Resources could not be torn down: {lines}.",
            why="What they hold (connections, files, processes) may still be open.",
            fix="Mend their teardown; every other resource was torn down.",
        )


class ResourceContextError(InvalidInvocationError):
    """A resource was asked for the context of its set-up before it was set up."""

    code = "resource-context"

    def __init__(self, class_name: str) -> None:
        super().__init__(
            what=f"The context of a {class_name} was asked for before it was set up.",
            why="There is a context only while a run or build_resources holds the resource.",
            fix="Call it from setup_for_execution or later, or hand one in with .with_replaced_resource_context(...).",
        )
