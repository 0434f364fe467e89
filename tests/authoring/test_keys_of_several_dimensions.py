"""A key of several dimensions can be taken apart wherever the user's code reads it, however the request wrote it."""

import headwater as hw

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
BY_DAY_AND_REGION = hw.MultiPartitionsDefinition({"day": DAYS, "region": hw.StaticPartitionsDefinition(["n", "s"])})
PARTS = {"day": "2024-01-02", "region": "s"}


class Noting(hw.IOManager):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def handle_output(self, context: hw.OutputContext, obj: object) -> None:
        self.seen += [context.partition_key, context.asset_partition_key]

    def load_input(self, context: hw.InputContext) -> int:
        self.seen += [context.partition_key, context.asset_partition_key]
        return 1


def test_a_key_written_as_text_has_its_dimensions_in_the_function_and_in_the_io_manager():
    noting = Noting()

    @hw.asset(partitions_def=BY_DAY_AND_REGION)
    def visits(context: hw.AssetExecutionContext) -> int:
        noting.seen += [context.partition_key, *context.partition_keys, context.multi_partition_key]
        return 1

    @hw.asset(partitions_def=BY_DAY_AND_REGION)
    def sales(visits: int) -> int:
        return visits

    result = hw.materialize(
        [visits, sales],
        partition_key="2024-01-02|s",
        resources={"io_manager": noting},
        instance=hw.Instance.ephemeral(),
    )

    assert result.success
    assert len(noting.seen) == 9
    for key in noting.seen:
        assert isinstance(key, hw.MultiPartitionKey)
        assert key.keys_by_dimension == PARTS


def test_a_direct_call_gives_the_dimensions_too():
    @hw.asset(partitions_def=BY_DAY_AND_REGION)
    def visits(context: hw.AssetExecutionContext) -> dict[str, str]:
        return context.multi_partition_key.keys_by_dimension

    written = hw.build_asset_context(partition_key="2024-01-02|s", partitions_def=BY_DAY_AND_REGION)
    assert visits(written) == PARTS
    assert visits(hw.build_asset_context(partition_key=hw.MultiPartitionKey(PARTS))) == PARTS
