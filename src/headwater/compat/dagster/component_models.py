"""What components read from YAML, as pydantic models; apart from the other names, because these alone need pydantic."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A pydantic model whose fields can be given in YAML; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class AssetAttributesModel(Model):
    """What YAML may say of an asset."""

    model_config = ConfigDict(extra="allow")
