"""Where text comes from: files, sentences from Python, ids, Arrow columns, data sets."""
