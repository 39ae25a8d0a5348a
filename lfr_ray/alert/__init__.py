"""From possible matches to durable alerts."""
