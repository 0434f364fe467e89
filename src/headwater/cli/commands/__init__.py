"""One file for each command or group of commands; a file is imported only when its command is called."""
