"""The data this project promises: bronze as it came, silver as it can be trusted, gold as it is asked for."""
