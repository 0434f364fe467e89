"""NO_VALUE: the one stand-in for a value that was not given, where None is a value of its own."""

from __future__ import annotations

from typing import Any


class NoValue:
    """The class of NO_VALUE. There is one instance, also after pickling and copying, so `is` tells it."""

    _instance: NoValue | None = None

    def __new__(cls) -> NoValue:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "NO_VALUE"

    def __bool__(self) -> bool:
        return False


NO_VALUE: Any = NoValue()
