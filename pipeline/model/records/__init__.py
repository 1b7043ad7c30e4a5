"""Facts of runs, stages, gates, releases: each is defined here once.

The ledger's queries return these records, the command line prints them, and the API's shapes are
these records or derive from them. A record that the API extends has a name that ends in Record; one
that it sends as it is has the name of the shape.
"""
