"""gensim's names."""
