//! Catalog to migration files: ordered statements up and down, grouped as a reviewer would like.
