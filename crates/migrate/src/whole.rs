//! The whole of a catalog as one file, for who reads it or wants a database without a history.

use crate::first::{plan_create, unite};
use crate::render;
use specc_catalog::{Catalog, Cycle, MARK};

/// A file of SQL that makes in an empty database what the migrations make, in one transaction.
///
/// # Errors
/// Objects that need each other.
pub fn schema_file(project: &str, catalog: &Catalog) -> Result<String, Cycle> {
    let mut plan = plan_create(catalog)?;
    unite(&mut plan);
    let mut out = String::from("-- The whole schema of ");
    render::push_plain(&mut out, project);
    out.push_str(&format!(
        ".\n-- {MARK}\n--\n-- For an empty database: one that is there is changed by the migrations.\n\nbegin;\n\n"
    ));
    for stage in &plan.stages {
        render::append(&mut out, stage, catalog);
    }
    out.push_str("\ncommit;\n");
    Ok(out)
}
