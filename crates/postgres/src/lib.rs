//! The one crate that talks to a database: private scratch clusters and the emulated platform.
