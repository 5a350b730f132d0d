//! One catalog with every kind of object: its files as text, parsed, and run by a real Postgres.

#![allow(clippy::print_stderr, clippy::unwrap_used)]

mod catalog;
mod postgres;
mod text;
