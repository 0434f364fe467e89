"""Asset checks: tests of what was built, written with `@asset_check` and `@multi_asset_check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from headwater.authoring.asset_ops import asset_op, loaded_inputs
from headwater.authoring.assets import Asset, AssetsDefinition
from headwater.authoring.nodes import OutputPort
from headwater.authoring.op import docstring_of, name_of
from headwater.authoring.ports import AssetIn
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvalidDefinitionError, InvariantViolationError
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import AssetCheckSpec, AssetDep, coerce_deps, key_of

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition
    from headwater.model.policies import RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")


class AssetChecksDefinition(AssetsDefinition):
    """Checks that one function evaluates, apart from the function that builds the asset."""

    dep_mappings: Mapping[AssetKey, PartitionMapping | None] = {}

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def spec(self) -> AssetCheckSpec:
        if len(self.check_specs) != 1:
            raise InvariantViolationError(
                what=f"The spec of a definition of {len(self.check_specs)} checks was asked for.",
                why="It does not say which of them is meant.",
                fix="Use .check_specs.",
            )
        return self.check_specs[0]

    @property
    def check_key(self) -> AssetCheckKey:
        return self.spec.key

    @property
    def asset_key(self) -> AssetKey:
        return self.spec.asset_key

    @property
    def keys(self) -> Any:
        return set()

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        return next((spec.partitions_def for spec in self.check_specs if spec.partitions_def is not None), None)

    @property
    def computation_name(self) -> str:
        return self.node_def.name if self.node_def is not None else self.check_specs[0].get_python_identifier()

    @property
    def dependency_keys(self) -> Iterable[AssetKey]:
        keys: dict[AssetKey, None] = dict.fromkeys(self.loaded_by_input.values())
        for spec in self.check_specs:
            keys[spec.asset_key] = None
            keys.update(dict.fromkeys(dep.asset_key for dep in spec.additional_deps))
        return keys.keys()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from headwater.authoring.invocation import invoke_asset

        return invoke_asset(self, args, kwargs)


class AssetCheck(AssetChecksDefinition, Asset[P, R]):
    """What `@asset_check` gives: a definition that can still be called as the function that it was."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        made: R = AssetChecksDefinition.__call__(self, *args, **kwargs)
        return made


@spelling_checked
def asset_check(
    *,
    asset: Any,
    name: str | None = None,
    description: str | None = None,
    blocking: bool = False,
    additional_ins: Mapping[str, AssetIn] | None = None,
    additional_deps: Iterable[Any] | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    compute_kind: str | None = None,
    op_tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
    metadata: Mapping[str, Any] | None = None,
    automation_condition: Any = None,
    pool: str | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    timeout: float | None = None,
) -> Callable[[Callable[P, R]], AssetCheck[P, R]]:
    """Declare a check of an asset: the function returns an AssetCheckResult (or True or False).

    A parameter that is not named in `additional_ins` receives the asset's value. With `blocking`, what is downstream of the
    asset does not run when the check fails with severity ERROR.
    """
    asset_key = key_of(asset)

    def decorate(function: Callable[..., Any]) -> Any:
        signature = read_signature(function)
        check_name = name or name_of(function)
        ins: dict[str, AssetIn] = dict(additional_ins or {})
        loads_asset = [parameter for parameter in signature.input_names if parameter not in ins]
        if len(loads_asset) > 1:
            raise InvalidDefinitionError(
                what=f'Check "{check_name}" has the parameters {", ".join(loads_asset)}, and checks one asset.',
                why="It does not say which assets the others load.",
                fix="Name them in additional_ins={...}, or remove them.",
            )
        for parameter, asset_in in ins.items():
            if asset_in.key_for(parameter) == asset_key:
                raise InvalidDefinitionError(
                    what=f'Check "{check_name}" loads its own asset "{asset_key}" through additional_ins.',
                    why="The checked asset is the parameter that additional_ins does not name.",
                    fix=f'Remove "{parameter}" from additional_ins.',
                )
        for parameter in loads_asset:
            ins[parameter] = AssetIn(key=asset_key)
        extra = [
            AssetDep(asset_in.key_for(parameter), partition_mapping=asset_in.partition_mapping)
            for parameter, asset_in in (additional_ins or {}).items()
        ]
        spec = AssetCheckSpec(
            check_name,
            asset=asset_key,
            description=description if description is not None else docstring_of(function),
            additional_deps=[*coerce_deps(additional_deps), *extra],
            blocking=blocking,
            metadata=metadata,
            automation_condition=automation_condition,
            partitions_def=partitions_def,
        )
        inputs = loaded_inputs(check_name, signature, ins)
        node = asset_op(
            function,
            spec.get_python_identifier(),
            signature,
            inputs,
            {"result": OutputPort("result")},
            description=spec.description,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            op_tags=op_tags,
            code_version=None,
            retry_policy=retry_policy,
            pool=pool,
            timeout=timeout,
        )
        return AssetCheck(
            node_def=node,
            keys_by_input_name={parameter: key for parameter, (key, _) in inputs.items()},
            check_specs=[spec],
            resource_defs=resource_defs,
        )

    return decorate


def _refuse_other_kinds(node: str, specs: Sequence[Any]) -> None:
    for spec in specs:
        if not isinstance(spec, AssetCheckSpec):
            raise InvalidDefinitionError(
                what=f'@multi_asset_check "{node}" was given {spec!r} in specs=.',
                why="Each of them is an AssetCheckSpec.",
                fix='Write specs=[AssetCheckSpec("name", asset="orders")].',
            )


@spelling_checked
def multi_asset_check(
    *,
    specs: Sequence[AssetCheckSpec],
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    can_subset: bool = False,
    compute_kind: str | None = None,
    op_tags: Mapping[str, Any] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    required_resource_keys: Iterable[str] | None = None,
    retry_policy: RetryPolicy | None = None,
    config_schema: Any = None,
    pool: str | None = None,
    timeout: float | None = None,
) -> Callable[[Callable[P, R]], AssetCheck[P, R]]:
    """Declare several checks that one function evaluates; it yields or returns an AssetCheckResult for each."""

    def decorate(function: Callable[..., Any]) -> Any:
        signature = read_signature(function)
        node_name = name or name_of(function)
        inputs = loaded_inputs(node_name, signature, ins)
        node = asset_op(
            function,
            node_name,
            signature,
            inputs,
            {},
            description=description if description is not None else docstring_of(function),
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            op_tags=op_tags,
            code_version=None,
            retry_policy=retry_policy,
            pool=pool,
            timeout=timeout,
        )
        _refuse_other_kinds(node_name, specs)
        keys = [spec.key for spec in specs]
        if len(set(keys)) != len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InvalidDefinitionError(
                what=f'@multi_asset_check "{node_name}" declares the check "{twice}" twice.',
                why="Their results could not be told apart.",
                fix="Rename one.",
            )
        return AssetCheck(
            node_def=node,
            keys_by_input_name={parameter: key for parameter, (key, _) in inputs.items()},
            check_specs=specs,
            can_subset=can_subset,
            resource_defs=resource_defs,
        )

    return decorate
