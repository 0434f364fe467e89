"""Other tools' public names for Headwater, so that programs written in them run unchanged."""
