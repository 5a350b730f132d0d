//! Model to catalog: tables, policies, triggers and helpers that a spec asks for.
