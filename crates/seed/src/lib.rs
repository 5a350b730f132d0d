//! Seed rows to idempotent SQL, kept stable from run to run.
