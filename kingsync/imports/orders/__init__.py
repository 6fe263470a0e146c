"""King's open orders as work orders in OutSmart, and what happens to them afterwards."""
