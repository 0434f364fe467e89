"""Built-in storage of values: in files by their type, in memory, and the base class for anywhere else."""
