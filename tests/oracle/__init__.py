"""The rules of the export, written a second time from the contract alone, and random work orders to compare by.

`notation`, `values`, `lines`, `texts` and `rules` are plain values in, plain values out: nothing of the product is
imported there. `generator` and `edits` make settings, Kings and work orders by chance; `runner` lets the product export
them into the sandboxes and compares what stands in King, in OutSmart and in the ledger with what the rules say.
"""
