//! The matrix of access as runs.

use crate::rows::together;
use crate::{Run, Skipped, Suite, Try, Wanted};
use serde_json::json;
use specc_model::{Entity, Model, RuleAction, Target};
use specc_prove::{Case, Fill, Matrix, Sample, Samples, Subject, Trial};
use std::collections::BTreeMap;

/// The runs of a matrix. `samples`: values that columns take, as a server said.
pub fn access(model: &Model, matrix: &Matrix, samples: &Samples) -> Suite {
    let fill = Fill::new(model, samples);
    let mut suite = Suite { name: "access", ..Suite::default() };
    for stuck in &matrix.stuck {
        suite.skipped.push(Skipped {
            entity: stuck.of.name(model),
            what: format!("{} as {}", stuck.command.word(), stuck.role),
            why: stuck.why.clone(),
            span: Some(stuck.span),
        });
    }
    for trial in &matrix.trials {
        match run(model, &fill, trial) {
            Ok(run) => suite.runs.push(run),
            Err(why) => suite.skipped.push(Skipped {
                entity: trial.of.name(model),
                what: format!("{} as {}", trial.case.command().word(), trial.case.role),
                why,
                span: trial.rules.first().copied(),
            }),
        }
    }
    suite.skipped.sort();
    suite.skipped.dedup();
    suite
}

/// Values by table and column, as a server says them, for the columns of a model.
pub fn samples_of(model: &Model, said: &BTreeMap<(String, String, String), Sample>) -> Samples {
    let mut samples = Samples::new();
    for entity in &model.entities {
        for (at, field) in entity.fields.iter().enumerate() {
            let name = (entity.name.schema.to_string(), entity.name.name.to_string(), field.name.to_string());
            if let Some(sample) = said.get(&name) {
                samples.insert((entity.id, at), sample.clone());
            }
        }
    }
    samples
}

/// Tables of others that entities of the spec refer to, quoted: their rows are part of a database.
pub fn referred(model: &Model) -> Vec<String> {
    let refers = |entity: &&Entity| {
        let own = |id: &specc_model::RelationId| !model.entity(model.relation(*id).from).external;
        entity.external && entity.incoming.iter().any(own)
    };
    model.entities.iter().filter(refers).map(|entity| specc_prove::table(model, entity.id)).collect()
}

fn run(model: &Model, fill: &Fill<'_>, trial: &Trial) -> Result<Run, String> {
    let case = &trial.case;
    let step = case.steps.first().ok_or("it does nothing")?;
    let mut tries = Vec::new();
    for statement in &trial.statements {
        let asked = || case.statement(fill, step, statement.way, statement.row);
        let sql = match trial.of {
            Subject::Entity(id) if case.rows.is_empty() => refused(model, model.entity(id), case),
            Subject::Entity(_) => asked()?,
            // Whether there is any.
            Subject::View(_) => asked()? + " limit 1",
        };
        let expected = Wanted::Access(statement.expected);
        tries.push(Try { command: step.command, sql, expected, about: String::new(), sees: Vec::new() });
    }
    let mut run = made(model, fill, case, tries)?;
    run.entity = trial.of.name(model);
    run.aims = trial.goals.iter().map(|aim| (aim.span, aim.words.clone())).collect();
    run.rules = trial.rules.clone();
    run.kills = trial.kills.clone();
    run.table = trial.of.quoted(model);
    Ok(run)
}

/// Names of settings, each with its value after it, by which a session says who asks.
pub fn settings(model: &Model, claims: &serde_json::Value, viewer: Option<&str>) -> Vec<String> {
    let options = &model.options;
    let mut settings = vec![options.claims_setting.to_string(), claims.to_string()];
    match options.target {
        // The platform's own functions read this one.
        Target::Supabase if options.claims_setting != "request.jwt.claims" => {
            settings.extend(["request.jwt.claims".to_owned(), claims.to_string()]);
        }
        Target::Supabase => {}
        Target::Postgres | Target::Citus => {
            settings.extend([options.viewer_setting.to_string(), viewer.unwrap_or_default().to_owned()]);
        }
    }
    settings
}

/// The rows of a case, who asks, and what she tries.
///
/// # Errors
/// A value that cannot be given, with the reason.
pub fn made(model: &Model, fill: &Fill<'_>, case: &Case, tries: Vec<Try>) -> Result<Run, String> {
    let replay = case.loaded(fill)?;
    let mut lines = case.lines(model);
    // The statement of the case itself is one of those that are tried.
    if let Some(first) = lines.first_mut() {
        *first = first.rsplit_once(": ").map_or(first.clone(), |(who, _)| who.to_owned());
    }
    let mut claims = json!({ "role": replay.role });
    if let Some(viewer) = &replay.viewer {
        claims["sub"] = viewer.as_str().into();
    }
    for (keys, value) in &replay.claims {
        let mut at = &mut claims;
        for key in keys {
            at = &mut at[key.as_str()];
        }
        *at = value.as_deref().into();
    }
    let settings = settings(model, &claims, replay.viewer.as_deref());
    Ok(Run {
        tables: case.tables().into_iter().map(|table| specc_prove::table(model, table)).collect(),
        load: together(&replay.rows),
        emptied: case
            .written()
            .filter(|_| case.command() == RuleAction::Delete)
            .map(|at| specc_prove::table(model, case.rows[at].entity)),
        role: replay.role,
        settings,
        lines,
        tries,
        ..Run::default()
    })
}

/// A statement that needs a right and no rows.
fn refused(model: &Model, entity: &Entity, case: &Case) -> String {
    use specc_model::RuleAction::{Delete, Insert, Select, Update};
    let table = specc_prove::table(model, entity.id);
    let column = || {
        let writable = entity.fields.iter().find(|field| field.generated.is_none() && field.identity.is_none());
        specc_sql::quote::ident(writable.map_or("ctid", |field| field.name.as_str())).into_owned()
    };
    match case.command() {
        Select => format!("select from {table}"),
        Insert => format!("insert into {table} default values"),
        Update => format!("update {table} set {} = default", column()),
        Delete => format!("delete from {table}"),
    }
}
