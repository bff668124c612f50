"""The shop beside a model of it: whatever is done, in whatever order, both end the same."""
