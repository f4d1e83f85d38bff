"""The whole portal on one machine: embedded PostgreSQL and Valkey, and the supervisor of `portal up`."""
