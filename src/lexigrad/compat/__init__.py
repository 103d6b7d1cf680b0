"""The names of other libraries, running on lexigrad."""
