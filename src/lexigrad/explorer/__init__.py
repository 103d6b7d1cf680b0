"""Words seen in a browser: what the page shows, the server on this machine, and files to give away.

Nothing here is loaded from elsewhere, and nothing leaves the machine.
"""
