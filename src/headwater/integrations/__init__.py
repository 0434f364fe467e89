"""What Headwater works with beyond files: one folder for each, with its library imported nowhere else."""
