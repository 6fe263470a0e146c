"""Events, sent to the addresses that owners entered."""
