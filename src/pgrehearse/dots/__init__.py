"""DOTs, the governed tools: registry, boundary, lease, run ledger, sandbox and runner.

A DOT is a script with a row in a registry. Its registration is rehearsed on a clone; the script itself runs outside the
database, in a sandbox only, alone under a lease, and with every state of the run in a ledger that can only grow.
"""
