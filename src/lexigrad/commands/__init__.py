"""The commands of the command line, by what they do; each parses, makes one call to the library, and prints."""
