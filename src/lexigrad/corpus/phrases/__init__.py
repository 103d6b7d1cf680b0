"""Words that follow each other more often than by chance, joined to one."""
