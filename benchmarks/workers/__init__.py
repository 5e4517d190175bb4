"""One process per measured system. Each builds a workload, and then answers the commands of `protocol`."""
