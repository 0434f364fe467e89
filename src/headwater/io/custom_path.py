"""Values pickled at paths that their outputs name in their metadata."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.authoring.io_manager import IOManager
from headwater.io.atomic_files import read_whole, write_atomically
from headwater.model.errors.definition import InvariantViolationError

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext


class CustomPathIOManager(IOManager):
    """Pickles each value at the path below `base_dir` that its output names: `Out(metadata={"path": "daily/orders"})`.

    There is one file for each path: what was stored there before is replaced, whichever run or partition it is of.
    """

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        self.base_dir = os.fspath(base_dir)

    def _place(self, context: OutputContext | None, reader: str = "") -> Path:
        metadata = context.definition_metadata if context is not None else {}
        path = metadata.get("path")
        path = getattr(path, "value", path)
        if not isinstance(path, str | os.PathLike):
            owner = f'Output "{context.name}" of "{context.step_key}"' if context is not None else reader
            raise InvariantViolationError(
                what=f"{owner} has {'no path' if path is None else f'the path {path!r}'} in its metadata.",
                why="custom_path_fs_io_manager stores each value where its output says.",
                fix='Write Out(metadata={"path": "..."}), or metadata={"path": "..."} of the asset.',
            )
        return Path(self.base_dir, path)

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Pickle `obj` at the path that its output names."""
        place = self._place(context)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(str(place), pickle.dumps(obj, protocol=5))
        context.add_output_metadata({"path": str(place.absolute())})

    def load_input(self, context: InputContext) -> Any:
        """Return what was pickled at the path that the upstream output names."""
        place = self._place(context.upstream_output, f'Input "{context.name}"')
        return pickle.loads(read_whole(str(place)))
