"""The page of one work order: what to do, both documents, its history, its notes."""
