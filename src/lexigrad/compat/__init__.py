"""lexigrad under other libraries' names, so that scripts written for those libraries need not change."""
