//! One catalog with every kind of object: its files as text, parsed, and run by a real Postgres.

mod catalog;
mod postgres;
mod text;
