//! `specc seed`

use super::database::{Place, broken, failure, summary, tell};
use crate::args::{Format, Seed};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{FINDINGS, Failure, plural};
use specc_catalog::TableName;
use specc_model::Entity;
use specc_rows::Asked;
use specc_runner::{LoadOptions, Production};
use specc_seed::large;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Adds the rows of an environment, and fills entities up.
pub fn run(args: &Seed, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    let file = args.environment.as_ref().map(|environment| place.seed(environment)).transpose()?;
    if file.is_none() && args.size.is_none() && args.rows.is_empty() {
        return Err(Failure::broken(
            "nothing says which rows: name an environment of the seeds, or `--size`, or `--rows ENTITY=ROWS`"
                .to_owned(),
        ));
    }
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let tables = tables(&compilation, args)?;
    let fills = !tables.is_empty();
    let mut session = place.connect().map_err(broken)?;
    let production = match place.production() {
        Some(production) => Some(production),
        None => specc_runner::production(&mut session).map_err(failure)?,
    };
    if let Some(Production(why)) = production {
        return Err(Failure::Refused(
            None,
            format!(
                "this database is production ({why}): its rows come from `specc apply` and from its users\n  help: nothing was changed"
            ),
        ));
    }
    if let Some(file) = &file {
        specc_runner::seed(&mut session, &file.path, &file.text, &tell).map_err(failure)?;
    }
    let mut loaded = Vec::new();
    if fills {
        let options = filling(&compilation, tables);
        loaded = specc_runner::load(&mut session, &compilation.catalog, &options, &tell).map_err(failure)?;
    }
    let added: u64 = loaded.iter().map(|one| one.added).sum();
    let seeded = file.as_ref().map(|file| format!("the rows of {}", file.path));
    let filled = fills
        .then(|| format!("{added} rows in {}", plural(loaded.iter().filter(|one| one.added > 0).count(), "table")));
    let words: Vec<String> = seeded.into_iter().chain(filled).collect();
    let json = serde_json::json!({ "seed": file.as_ref().map(|file| &file.path), "tables": loaded });
    summary(format, &json, &format!("{}: {}", place.address, words.join(", ")));
    let short = loaded.iter().any(|one| one.why.is_some());
    Ok(if short { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// How tables are filled: with the limits of the spec held over them.
pub fn filling(compilation: &Compilation, tables: BTreeMap<TableName, Asked>) -> LoadOptions {
    let limits = |entity: &Entity| (large::table_of(entity), specc_lower::limits_of(&compilation.model, entity));
    let after = compilation.model.entities.iter().filter(|entity| !entity.external).map(limits).collect();
    LoadOptions { tables, after }
}

/// What is asked of each table.
fn tables(compilation: &Compilation, args: &Seed) -> Result<BTreeMap<TableName, Asked>, Failure> {
    let model = &compilation.model;
    let named = |(name, rows): &(String, u64)| Ok((super::why::entity(model, name)?, *rows));
    let rows = args.rows.iter().map(named).collect::<Result<Vec<_>, Failure>>()?;
    let env = args.environment.as_deref();
    Ok(large::asked(model, &compilation.catalog, env, args.size, &rows))
}
