"""Every sentence for people, by its code."""
