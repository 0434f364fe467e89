"""Every flight that left New York's airports in 2013, from raw tables to a report."""
