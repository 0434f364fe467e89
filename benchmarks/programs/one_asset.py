"""The smallest project: one asset that costs nothing by itself."""

import headwater as dg


@dg.asset
def orders():
    return [1, 2, 3]


defs = dg.Definitions(assets=[orders])
