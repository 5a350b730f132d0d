//! `specc diff`

use super::build::{State, refused};
use crate::args::{Diff, Format};
use crate::pipeline::{self, Clock, Meant};
use crate::project::Project;
use crate::report::{Failure, data, plural};
use specc_catalog::{Catalog, Hints};
use specc_diff::{Difference, Line};
use specc_migrate::MigrationError;
use specc_migrate::change::{ChangeOptions, Shelf, plan_change};
use std::path::Path;
use std::process::ExitCode;

/// One side.
struct Side {
    catalog: Catalog,
    hints: Hints,
}

/// Says what differs.
pub fn run(args: &Diff, format: Format) -> Result<ExitCode, Failure> {
    let mut clock = Clock::start();
    // Both sides are read at once: the stored catalog is as large as the spec.
    let (from, to) = rayon::join(
        || side(&args.from, &args.place.project),
        || match &args.to {
            Some(to) => side(to, &args.place.project),
            None => spec(&args.place.project),
        },
    );
    let (from, to) = (from?, to?);
    let mut timings = vec![clock.lap("read both")];
    let difference = specc_diff::diff(&from.catalog, &to.catalog, &to.hints);
    timings.push(clock.lap("compare"));
    let shelf = Shelf::new();
    let options = ChangeOptions { offline: args.offline_ok, one: false };
    let plan = if difference.is_empty() || !(args.sql || format == Format::Json) {
        None
    } else {
        let plan = plan_change(&difference, &to.hints, &shelf, options);
        Some(plan.map_err(|error| refused(MigrationError::Change(error)))?)
    };
    timings.push(clock.lap("plan"));
    let sql = plan.as_ref().map(|plan| {
        let mut out = String::new();
        plan.statements().for_each(|statement| specc_sql::print(statement, &mut out));
        out
    });
    let lines = specc_diff::lines(&difference);
    match format {
        Format::Json => data(&json(&difference, &lines, sql.as_deref()).to_string()),
        Format::Text if args.sql => data(sql.as_deref().unwrap_or_default().trim_end()),
        Format::Text => {
            for line in &lines {
                data(&line.to_string());
            }
            for change in &difference.rows {
                let (sign, table) = (if change.put { '+' } else { '-' }, &change.seed.table);
                data(&format!(
                    "{sign} {} of {}.{}",
                    plural(change.seed.rows.len(), "seed row"),
                    table.schema,
                    table.name
                ));
            }
        }
    }
    if difference.is_empty() {
        eprintln!("nothing differs");
    }
    for doubt in &difference.doubts {
        eprintln!(
            "`{}` looks like `{}` renamed: if it is, write `was {}` after its new name",
            doubt.new,
            doubt.gone,
            doubt.gone.name()
        );
    }
    if args.timings {
        super::build::show_timings(&timings);
    }
    let code = ExitCode::from(u8::from(args.exit_code && !difference.is_empty()));
    // As after a build: the process ends here.
    std::mem::forget((from, to));
    Ok(code)
}

fn json(difference: &Difference<'_>, lines: &[Line], sql: Option<&str>) -> serde_json::Value {
    let object = |line: &Line| {
        let attributes: Vec<_> = line
            .attributes
            .iter()
            .map(|attribute| serde_json::json!({ "path": attribute.path, "from": attribute.from, "to": attribute.to }))
            .collect();
        serde_json::json!({
            "sign": line.sign.char().to_string(), "object": line.id.to_string(), "to": line.to, "attributes": attributes,
        })
    };
    let rows = |put: bool| -> usize {
        difference.rows.iter().filter(|change| change.put == put).map(|change| change.seed.rows.len()).sum()
    };
    serde_json::json!({
        "changes": lines.iter().map(object).collect::<Vec<_>>(),
        "rows_put": rows(true), "rows_taken": rows(false),
        "sql": sql,
    })
}

/// `last`, or a project folder.
fn side(what: &str, project: &Path) -> Result<Side, Failure> {
    match what {
        "last" => {
            let project = Project::open(project)?;
            let catalog = State::last(&project.root, &project.config)?.unwrap_or_default();
            Ok(Side { catalog, hints: Hints::default() })
        }
        folder => spec(Path::new(folder)),
    }
}

fn spec(folder: &Path) -> Result<Side, Failure> {
    let Meant { catalog, hints, model, sources, .. } = pipeline::understand(Project::open(folder)?, false)?;
    // Freeing millions of small objects takes longer than it is worth.
    std::mem::forget((model, sources));
    Ok(Side { catalog, hints })
}
