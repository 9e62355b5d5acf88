"""The door of the clock: ticks, leases and one short module a job."""
