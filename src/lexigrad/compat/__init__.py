"""Other libraries' names for what lexigrad does, so that scripts written for them need not change."""
