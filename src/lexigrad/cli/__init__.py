"""The commands of the command line, a module for each kind of work; a command parses, calls the library, and prints."""
