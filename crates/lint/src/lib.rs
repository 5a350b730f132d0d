//! Hazards in SQL migrations.
