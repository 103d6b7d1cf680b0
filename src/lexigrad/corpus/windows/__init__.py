"""How often words stand in each other's windows."""
