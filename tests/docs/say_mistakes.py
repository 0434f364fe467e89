"""Runs every mistake on the engine that answers to `import dagster`, and prints what it says as JSON.

    python tests/docs/say_mistakes.py headwater|dagster

It is a script, not a module of the tests, as it runs in the interpreter of either engine. Each program gets a folder and a
home of no one else; only the error counts, so what engines log on the way is dropped.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def what_is_said(source: str) -> dict[str, str] | None:
    """Return the class and the text of the error that a program ends with; None where it ends without one."""
    try:
        exec(compile(source, "mistake.py", "exec", dont_inherit=True), {"__name__": "mistake"})
    except Exception as error:
        return {"class": type(error).__name__, "text": str(error).strip()}
    return None


def main(engine: str) -> None:
    from mistakes import CHAPTERS

    if engine == "headwater":
        from headwater.compat.dagster import install

        install()
    warnings.simplefilter("ignore")
    os.environ.pop("SHOP_DATABASE_URL", None)
    answers = sys.stdout
    sys.stdout = sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        import dagster  # noqa: F401

        logging.disable()
        said = {mistake.title: what_is_said(mistake.source) for chapter in CHAPTERS for mistake in chapter.mistakes}
        os.chdir("/")
    json.dump(said, answers, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1])
