//! Support shared by the case folders.
