"""The page of figures: months, weeks, amounts and causes."""
