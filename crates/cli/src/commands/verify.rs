//! `specc verify`

use super::database::Place;
use super::stored::Stored;
use crate::args::{Connection, Format, Verify};
use crate::pipeline;
use crate::project::{self, Project};
use crate::report::{FINDINGS, Failure, data, plural, say};
use specc_migrate::{Lost, Record};
use specc_model::Target;
use specc_runner::{Migration, Script};
use specc_verify::{Input, Limits, Proved, Report, Said, ScratchError, Stall};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Proves the migrations.
pub fn run(args: &Verify, format: Format) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let with_platform = compilation.model.options.target == Target::Supabase;
    // Only its files are asked for: no connection is made.
    let connection = Connection { database_url: Some("postgresql://localhost/postgres".into()), env: None };
    let place = Place::open(&args.place, &connection)?;
    let migrations = place.migrations()?;
    place.recorded(&migrations)?;
    let stored = Stored::read(&compilation.root, &compilation.config)?;
    let written: BTreeSet<String> =
        stored.iter().flat_map(|stored| &stored.recorded).map(|(path, _)| path.clone()).collect();
    let stored = stored.map(|stored| stored.catalog()).transpose()?;
    let all = migrations.all.into_iter().map(|migration| {
        let said = said(&place, &migration, &written)?;
        Ok((migration, said))
    });
    let all = all.collect::<Result<Vec<_>, Failure>>()?;
    if all.is_empty() {
        return Err(Failure::broken("there is no migration to verify; `specc build` writes one"));
    }
    let kept = compilation.with_kept(stored.as_ref());
    let input = Input {
        migrations: &all,
        catalog: &kept,
        stored: stored.as_ref(),
        rows: args.rows,
        patience: Duration::from_millis(args.longest_wait),
    };
    let server = super::server(&args.scratch, with_platform)?;
    let limits = Limits::of(Duration::from_secs_f64(args.scratch.timeout));
    let report = specc_verify::verify(&server, &input, limits).map_err(|error| match error {
        ScratchError::Exceeded(what) => Failure::Refused(
            None,
            format!("{what}\n  help: `--timeout SECONDS` allows more time; a migration that never ends does so on any database"),
        ),
        error => Failure::broken(error.to_string()),
    })?;
    let seconds = start.elapsed().as_secs_f64();
    match format {
        Format::Json => {
            let mut value = serde_json::to_value(&report).unwrap_or_default();
            value["seconds"] = seconds.into();
            data(&value.to_string());
        }
        Format::Text => tell(&report, seconds),
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// What a build said beside the migration. `written`: the files that a build wrote.
fn said(place: &Place, migration: &Migration, written: &BTreeSet<String>) -> Result<Said, Failure> {
    let path = place.config.state().join("plans").join(format!("{}.json", migration.title()));
    let unreadable = |why| Said::Unreadable { path: path.display().to_string(), why };
    Ok(match project::text(&place.root.join(&path)) {
        Ok(text) if text.trim().is_empty() => unreadable("is empty".to_owned()),
        Ok(text) => Record::read(&text).map_or_else(|why| unreadable(format!("cannot be read: {why}")), Said::Build),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::broken(format!("cannot read {}: {error}", path.display())));
        }
        Err(_) if written.contains(&migration.up.path) => unreadable("is missing".to_owned()),
        Err(_) => Said::ByHand(declared(migration)),
    })
}

fn declared(migration: &Migration) -> Record {
    let script = migration.down.as_ref().and_then(|down| Script::read(&down.text).ok());
    let loses = script.map(|script| script.loses).unwrap_or_default();
    Record { back_loses: loses.iter().flat_map(|text| Lost::declared(text)).collect(), ..Record::default() }
}

fn tell(report: &Report, seconds: f64) {
    for proved in &report.migrations {
        say(&line(proved));
    }
    for note in &report.notes {
        say(&format!("note: {note}"));
    }
    for finding in &report.findings {
        let at = finding.migration.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        say(&format!("wrong: {at}{}", finding.what));
    }
    let counted = format!(
        "{}, {} rows in {}, {:.1} s",
        plural(report.migrations.len(), "migration"),
        report.rows,
        plural(report.tables, "table"),
        seconds
    );
    if report.findings.is_empty() {
        eprintln!(
            "verified: up, down to what was before, and up again to the {} objects of the spec ({counted})",
            report.objects
        );
    } else {
        eprintln!("{} ({counted})", plural(report.findings.len(), "finding"));
    }
}

fn line(proved: &Proved) -> String {
    let stall = |who: &str, stall: &Option<Stall>| match stall {
        Some(stall) if stall.table.is_empty() => format!(", {who} never waited"),
        Some(stall) => format!(", {who} waited {} ms at most ({})", stall.ms, stall.table),
        None => String::new(),
    };
    let predicted = match proved.predicted {
        0 => String::new(),
        n => format!(", locks of {} as said", plural(n, "statement")),
    };
    format!(
        "{}: {} ms{predicted}{}{}",
        proved.name,
        proved.ms,
        stall("a reader", &proved.read_stall),
        stall("a writer", &proved.write_stall)
    )
}
