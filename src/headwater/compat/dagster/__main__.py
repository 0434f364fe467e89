"""`python -m headwater.compat.dagster program.py ARGS`: run a program in which `import dagster` means Headwater."""

from __future__ import annotations

import os
import runpy
import sys

_USAGE = """usage: python -m headwater.compat.dagster PROGRAM.py [ARGS ...]
       python -m headwater.compat.dagster -m MODULE [ARGS ...]

Runs a Python program written against Dagster's public API on Headwater: `import dagster` means headwater.compat.dagster,
also where the real Dagster is installed."""


def main(arguments: list[str]) -> int:
    """Run the program that the arguments name, as `python` would, with the alias installed."""
    from headwater.compat.dagster import install

    is_module = arguments[:1] == ["-m"]
    target = arguments[1:2] if is_module else arguments[:1]
    if not target or target[0] in ("-h", "--help"):
        print(_USAGE, file=sys.stdout if target else sys.stderr)
        return 0 if target else 2
    install()
    if is_module:
        sys.path.insert(0, os.getcwd())
        sys.argv = arguments[1:]
        if not _is_there(target[0]):
            print(f"There is no module {target[0]!r} to run, here or installed.", file=sys.stderr)  # noqa: T201
            return 2
        runpy.run_module(target[0], run_name="__main__", alter_sys=True)
        return 0
    path = target[0]
    if not os.path.exists(path):
        print(f"There is no file {path!r} to run. Name a Python program, or -m and a module.", file=sys.stderr)  # noqa: T201
        return 2
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    sys.argv = arguments
    runpy.run_path(path, run_name="__main__")
    return 0


def _is_there(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ModuleNotFoundError as error:
        # A parent that is missing is the same to whoever asked; what a parent imports in vain is told by itself.
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            return False
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
