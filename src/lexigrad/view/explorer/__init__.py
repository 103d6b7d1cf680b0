"""Words seen in a browser: the data of the page, the server on this machine, and files to give away.

The page loads nothing from elsewhere, and nothing leaves the machine.
"""
