"""Mails to people: what there is to tell, to whom and when."""
