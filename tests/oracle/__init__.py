"""The rules of the export, written a second time from the contract alone, and random work orders to compare with.

`notation`, `values`, `lines`, `texts` and `rules` are plain values in, plain values out: they import nothing of the
product. `generator` and `edits` make random settings, Kings and work orders; `runner` lets the product export them
into the sandboxes and compares King, OutSmart and the ledger with what the rules say.
"""
