//! The one catalog type: every object a database has, as data, with explicit dependencies.
