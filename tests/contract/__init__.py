"""Every answer that a test gets is held against the published document."""
