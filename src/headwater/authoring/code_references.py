"""Where the code of assets is: found by looking at their functions, and turned into links to a repository.

Files are never read: a place follows from what Python knows of a function, a link from the paths alone.
"""

from __future__ import annotations

import functools
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.graph_definition import GraphDefinition
from headwater.authoring.source_asset import SourceAsset
from headwater.model.code_references import CodeReference, LocalFileCodeReference, UrlCodeReference
from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of
from headwater.model.metadata_kinds import CodeReferencesMetadataValue
from headwater.model.metadata_sets import NAMESPACE, READ_NAMESPACES
from headwater.model.specs import AssetSpec

T = TypeVar("T")

_SSH_ADDRESS = re.compile(r"^(?:ssh://)?git@(?P<host>[^:/]+)(?::\d+/|[:/])(?P<path>.+)$")
_TREE_BY_PLATFORM: Mapping[str, str] = {"github": "/tree/", "gitlab": "/-/tree/"}


# --------------------------------------------------------------------------------------------------------- where it is


def with_source_code_references(assets_defs: Sequence[T]) -> Sequence[T]:
    """Return the same assets, each with the file and line of its function among its code references.

    The place is that of the function beneath decorators, in the metadata entry "headwater/code_references" of all assets
    that the function builds; references that are there already stay before it. What has no function of its own, such as
    an AssetSpec, or one that was written at a prompt, is returned as it is. Raises CheckError for what is no asset.
    """
    return [_with_place(asset) for asset in _listed(assets_defs, "with_source_code_references")]


def _with_place(asset: Any) -> Any:
    function: Any = None
    if isinstance(asset, SourceAsset):
        function = asset.observe_fn
    elif isinstance(asset, AssetsDefinition):
        node = asset.node_def
        function = node.compose_fn if isinstance(node, GraphDefinition) else getattr(node, "function", None)
    place = None if function is None else place_of(function)
    if place is None:
        return asset
    return _mapped(asset, lambda references: references if place in references else (*references, place))


def place_of(function: Callable[..., Any]) -> LocalFileCodeReference | None:
    """Return the absolute path and the first line of a function, beneath what wraps it; None for one without a file."""
    found: Any = function
    while True:
        if isinstance(found, functools.partial):
            found = found.func
        elif hasattr(found, "__wrapped__"):
            found = found.__wrapped__
        else:
            break
    code = getattr(found, "__code__", None)
    if code is None:
        # An object that can be called: the place is that of its class's method.
        code = getattr(vars(type(found)).get("__call__"), "__code__", None)
    if not isinstance(code, CodeType) or code.co_filename.startswith("<"):
        return None
    return LocalFileCodeReference(file_path=os.path.abspath(code.co_filename), line_number=code.co_firstlineno)


# ------------------------------------------------------------------------------------------------------------ as links


class FilePathMapping(ABC):
    """Says where a local file is in a repository. Write one where the two are not laid out alike."""

    @abstractmethod
    def convert_to_source_control_path(self, local_path: Path) -> str:
        """Return the path of this file in the repository, with "/" between its parts."""


@dataclass(frozen=True, slots=True)
class AnchorBasedFilePathMapping(FilePathMapping):
    """A repository that is laid out as the local files are: one file or folder whose paths are known gives all others.

    A file that is not below the repository's root gets a path that begins with "..". Raises CheckError for an anchor that
    is no path, or an absolute one in the repository.
    """

    local_file_anchor: Path
    file_anchor_path_in_repository: str

    def __post_init__(self) -> None:
        if not isinstance(self.local_file_anchor, (str, Path)) or not str(self.local_file_anchor):
            raise CheckError(
                what=f"local_file_anchor is {self.local_file_anchor!r}.",
                why="It is a file that is also in the repository.",
                fix="Write local_file_anchor=Path(__file__).",
            )
        if not isinstance(self.file_anchor_path_in_repository, str) or not self.file_anchor_path_in_repository:
            raise CheckError(
                what=f"file_anchor_path_in_repository is {self.file_anchor_path_in_repository!r}.",
                why="It is the path of the anchor in the repository, from the repository's root.",
                fix='Write it as text with "/", such as "src/project/assets.py".',
            )

    def convert_to_source_control_path(self, local_path: Path) -> str:
        """Return the path in the repository of a file that is as far from the anchor as this one."""
        from_anchor = Path(os.path.relpath(local_path, os.path.abspath(self.local_file_anchor))).as_posix()
        return _without_steps_back(f"{self.file_anchor_path_in_repository}/{from_anchor}")


def _without_steps_back(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def link_code_references_to_git(
    assets_defs: Sequence[T],
    git_url: str,
    git_branch: str,
    file_path_mapping: FilePathMapping,
    platform: Literal["github", "gitlab"] | None = None,
) -> Sequence[T]:
    """Return the same assets, with links to the repository in place of code references to local files.

    git_url: the address of the repository as a browser or git spells it. platform: how its pages are addressed, which is
    seen from the address where that names github or gitlab. A link keeps its label; other references stay as they are, and
    so do files that the mapping puts outside the repository. Raises CheckError for a platform that is not known.
    """
    builder = "link_code_references_to_git"
    assets = _listed(assets_defs, builder)
    if not isinstance(file_path_mapping, FilePathMapping):
        raise CheckError(
            what=f"{builder} was given file_path_mapping={file_path_mapping!r}.",
            why="It says where each local file is in the repository.",
            fix='Give AnchorBasedFilePathMapping(Path(__file__), "src/project/assets.py"), or a FilePathMapping.',
        )
    for name, text in (("git_url", git_url), ("git_branch", git_branch)):
        if not isinstance(text, str) or not text.strip():
            raise CheckError(
                what=f"{builder} was given {name}={text!r}.",
                why="It is a part of each link.",
                fix='Write git_url="https://github.com/owner/project" and git_branch="main".',
            )
    root = repository_page(git_url)
    root += _TREE_BY_PLATFORM[_platform_of(root, platform)] + quote(git_branch)

    def linked(reference: CodeReference) -> CodeReference:
        if not isinstance(reference, LocalFileCodeReference):
            return reference
        path = file_path_mapping.convert_to_source_control_path(Path(reference.file_path))
        if path.split("/")[0] == "..":
            return reference
        line = "" if reference.line_number is None else f"#L{reference.line_number}"
        return UrlCodeReference(url=f"{root}/{quote(path.lstrip('/'))}{line}", label=reference.label)

    return [_mapped(asset, lambda references: tuple(map(linked, references))) for asset in assets]


def repository_page(git_url: str) -> str:
    """Return the address of a repository for browsers: "https://host/owner/project", without a slash at the end."""
    address = git_url.strip().rstrip("/")
    by_ssh = _SSH_ADDRESS.match(address)
    if by_ssh is not None:
        address = f"https://{by_ssh['host']}/{by_ssh['path']}"
    return address.removesuffix(".git")


def _platform_of(address: str, platform: str | None) -> str:
    if platform is not None:
        if platform not in _TREE_BY_PLATFORM:
            raise CheckError(
                what=f"platform is {platform!r}.",
                why="How the pages of a file are addressed is known of github and gitlab.",
                fix='Write platform="github" or platform="gitlab".',
            )
        return platform
    for known in _TREE_BY_PLATFORM:
        if known in address:
            return known
    raise CheckError(
        what=f'"{address}" does not show on which platform the repository is.',
        why="Platforms address the pages of a file in different ways.",
        fix='Give platform="github" or platform="gitlab".',
    )


# --------------------------------------------------------------------------------------------------------- in metadata


def _listed(assets: Any, function: str) -> list[Any]:
    if isinstance(assets, (str, AssetSpec, AssetsDefinition, SourceAsset)) or not isinstance(assets, Iterable):
        raise CheckError(
            what=f"{function} was given {assets!r}.",
            why="It takes a list of assets.",
            fix=f"Write {function}([...]).",
        )
    listed = list(assets)
    for asset in listed:
        if not isinstance(asset, (AssetSpec, AssetsDefinition, SourceAsset)):
            raise CheckError(
                what=f"{function} was given {asset!r} among its assets.",
                why=f"It is {kind_of(asset)}, which has no metadata to change.",
                fix="Give what @asset and @multi_asset made, AssetSpecs or SourceAssets.",
            )
    return listed


References = tuple[CodeReference, ...]


def _mapped(asset: Any, change: Callable[[References], References]) -> Any:
    """Return the asset with what `change` makes of its code references, itself where that is the same."""
    if isinstance(asset, AssetSpec):
        metadata = _changed(asset.metadata, change)
        return asset if metadata is None else asset.replace_attributes(metadata=metadata)
    if isinstance(asset, SourceAsset):
        metadata = _changed(asset.metadata, change)
        return asset if metadata is None else asset.replaced(metadata=metadata)
    if isinstance(asset, AssetChecksDefinition):
        return asset
    definition: AssetsDefinition = asset
    changed = {key: _changed(spec.metadata, change) for key, spec in definition.specs_by_key.items()}
    if not any(changed.values()):
        return definition

    def with_references(spec: AssetSpec) -> AssetSpec:
        metadata = changed[spec.key]
        return spec if metadata is None else spec.replace_attributes(metadata=metadata)

    return definition.map_asset_specs(with_references)


def _changed(metadata: Mapping[str, Any], change: Callable[[References], References]) -> Mapping[str, Any] | None:
    keys = [f"{namespace}/code_references" for namespace in READ_NAMESPACES]
    # A program written for Dagster finds them under the key that it gave.
    written = set(metadata)
    key = next((key for key in keys if key in written), f"{NAMESPACE}/code_references")
    value = metadata.get(key)
    found = value.code_references if isinstance(value, CodeReferencesMetadataValue) else tuple(value or ())
    made = change(found)
    return None if made == found else {**metadata, key: CodeReferencesMetadataValue(made)}
