"""Files that gensim saved, read without running a pickle."""
