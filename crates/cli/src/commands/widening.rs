//! What a change opens and closes, for `build`, `diff` and `prove --against`.

use super::stored::Stored;
use crate::pipeline;
use crate::project::{self, Project};
use crate::report::Failure;
use specc_catalog::{SpecText, TableName};
use specc_migrate::Decided;
use specc_model::Model;
use specc_prove::Compared;
use std::path::Path;

/// What changed about access from the state that a spec made to a later one.
pub fn since(kept: &[SpecText], now: &Model) -> Decided {
    match pipeline::kept(kept) {
        Ok(before) => decided(&specc_prove::compare(&before, now)),
        Err(why) => unknown(&why),
    }
}

/// The same of two states of which neither is at hand.
pub fn between(kept: &[SpecText], now: &[SpecText]) -> Decided {
    match pipeline::kept(now) {
        Ok(now) => since(kept, &now),
        Err(why) => unknown(&why),
    }
}

fn unknown(why: &str) -> Decided {
    Decided { lines: vec![format!("which rows that opens or closes is not known: {why}")], ..Decided::default() }
}

fn decided(compared: &Compared) -> Decided {
    let tables = compared.entities.iter().map(|name| TableName::new(name.schema.clone(), name.name.clone()));
    Decided { tables: tables.collect(), roles: compared.roles.clone(), lines: compared.lines() }
}

/// What a spec is compared with: the spec in a folder, or what the last migration made.
///
/// # Errors
/// Where it cannot be read.
pub fn against(what: &str, project: &Path) -> Result<Model, Failure> {
    if what != "last" {
        if !Path::new(what).exists() {
            // An address is not shown: who takes this for an option that connects writes a password here.
            let named = if what.contains(['@', '=', ':']) { String::new() } else { format!(": `{what}`") };
            return Err(Failure::broken(format!(
                "`--against` names no folder that is there{named}; it takes that of a spec, or `last`",
            )));
        }
        return Ok(pipeline::compile(Project::open(Path::new(what))?, false)?.model);
    }
    let (root, config) = project::settings(project)?;
    let stored = Stored::read(&root, &config)?.ok_or_else(|| Failure::broken("there is no last migration"))?;
    let spec = stored.catalog()?.spec;
    pipeline::kept(&spec).map_err(|why| Failure::broken(format!("the last state cannot be compared with: {why}")))
}
