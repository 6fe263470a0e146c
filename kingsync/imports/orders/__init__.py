"""King's open orders as work orders in OutSmart, and what becomes of them afterwards."""
