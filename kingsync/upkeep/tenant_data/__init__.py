"""All that is kept of one tenant: exported, deleted, and looked for afterwards."""
