"""The engine whose workers are actors of Ray."""
