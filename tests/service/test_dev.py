"""`headwater dev` imports code anew when it changes, and keeps the last that was sound."""

from __future__ import annotations

from pathlib import Path

from headwater.model.keys import AssetKey
from headwater.model.runs import RunStatus
from tests.service.running import COMMAND, RunningService

FIRST = "import headwater as hw\n\n@hw.asset\ndef number() -> int:\n    return 1\n"


class DevService(RunningService):
    def start(self, *options: str, waits: bool = True) -> RunningService:
        import subprocess

        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [*COMMAND, "dev", *options], cwd=self.folder, env=self.environment, stdout=said, stderr=said
            )
        self.wait_until(self._answers, "the service to answer")
        return self

    def says(self, text: str) -> None:
        self.wait_until(lambda: text in self.said.read_text(), f"it to say {text!r}")

    def value(self) -> object:
        assert self.ended(self.launch(selection="number")).status is RunStatus.SUCCESS
        with self.instance() as instance:
            state = instance.store.asset_state(AssetKey("number"))
            assert state is not None
            assert state.materialization is not None
            return state.materialization.data_version


def test_changed_code_is_used_and_broken_code_is_told_of(tmp_path: Path) -> None:
    with DevService(tmp_path, FIRST) as service:
        first = service.value()
        code = tmp_path / "definitions.py"
        code.write_text(FIRST.replace("return 1", "return 2"))
        assert isinstance(service, DevService)
        service.says("is loaded anew")
        second = service.value()
        assert second != first
        code.write_text(FIRST + "\nraise RuntimeError('half written')\n")
        service.says("half written")
        assert service.value() == second
        code.write_text(FIRST)
        service.wait_until(lambda: service.said.read_text().count("is loaded anew") == 2, "the code to be loaded again")
        assert service.value() == first
