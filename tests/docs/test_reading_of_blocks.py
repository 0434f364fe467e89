"""The reader of code blocks is itself checked, as it decides what the documentation's test sees."""

from pathlib import Path

import pytest

from tests.docs.code_blocks import blocks_of

PAGE = """# A page

```python
print("one")
```

<!-- file: flows/orders.py -->
```python
x = 1
```

1. In a list:

   ```console
   $ headwater --version
   headwater ... (Python ...)

   $ headwater materialize nosuch  # exit code 2
   ```

<!-- skip: sets up the machine -->
```sh
make demo
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_blocks_come_in_order_with_their_lines_and_directives(page: Path):
    read = [(block.language, block.line, block.file, block.skip) for block in blocks_of(page)]
    assert read == [
        ("python", 4, None, None),
        ("python", 9, "flows/orders.py", None),
        ("console", 15, None, None),
        ("sh", 23, None, "sets up the machine"),
    ]


def test_a_console_block_is_commands_with_exit_codes_and_output(page: Path):
    first, second = blocks_of(page)[2].commands
    assert (first.text, first.exit_code, first.line) == ("headwater --version", 0, 15)
    assert (second.text, second.exit_code) == ("headwater materialize nosuch", 2)
    assert first.output == ("headwater ... (Python ...)", "")


def test_shown_output_must_come_in_order_and_dots_stand_for_anything(page: Path):
    command = blocks_of(page)[2].commands[0]
    assert command.first_line_missing_from("warming up\nheadwater 0.1.0 (Python 3.11.7)\n") is None
    assert command.first_line_missing_from("headwater 0.1.0\n") == "headwater ... (Python ...)"


def test_a_block_that_is_never_closed_is_told_with_its_line(tmp_path: Path):
    page = tmp_path / "open.md"
    page.write_text("text\n```python\nx = 1\n")
    with pytest.raises(ValueError, match=r"open\.md:2: this block is never closed"):
        blocks_of(page)
