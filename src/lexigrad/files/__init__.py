"""Where bytes lie: files that are written whole or not at all, the container of tensors, packed and remote files."""
