"""What an installer does at a line of meters: look for them, read them, try it all without any."""
