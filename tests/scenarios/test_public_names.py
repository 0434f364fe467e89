"""What a program sees of the package while the engine's own folders are being imported."""

from __future__ import annotations

import headwater as hw


def test_the_graph_decorator_is_not_hidden_by_the_folder_of_that_name() -> None:
    @hw.asset
    def orders() -> int:
        return 1

    assert hw.materialize([orders]).success  # imports headwater.graph

    @hw.op
    def one() -> int:
        return 1

    @hw.graph
    def numbers() -> int:
        return one()

    assert numbers.execute_in_process().output_value() == 1
