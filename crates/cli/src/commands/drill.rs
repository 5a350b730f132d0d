//! `specc drill`

use super::backup::{self, beside};
use super::database::{Place, broken, failure, summary, tell};
use crate::args::{Drill, Format};
use crate::project;
use crate::report::{FINDINGS, Failure, plural};
use serde::Serialize;
use specc_model::Target;
use specc_postgres::{Address, platform};
use specc_runner::{Behind, Manifest, RestoreOptions, Restored, Scope};
use specc_verify::{Limits, Scratch};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What a drill showed.
#[derive(Serialize)]
struct Drilled {
    /// The backup.
    file: String,
    /// When it was taken.
    taken: String,
    /// Its size.
    bytes: u64,
    /// Seconds that the backup took, where it was made for this.
    dumped: Option<f64>,
    /// Seconds until there was a server with an empty database.
    server: f64,
    /// Seconds of the restore, comparison and all.
    restored: f64,
    /// What came back, equal in counts and sums.
    back: Restored,
    /// Keys of the platform's rows that were copied.
    keys: u64,
    /// Seconds from nothing to a database that was compared.
    rto: f64,
    /// Against the database in use.
    behind: Option<Behind>,
    /// What took longer than it may.
    over: Vec<String>,
}

/// Restores a backup where it harms nobody, and says how long that takes and what would be missing.
pub fn run(args: &Drill, format: Format) -> Result<ExitCode, Failure> {
    let (_, config) = project::settings(&args.place.project)?;
    let with_platform = config.options().target == Target::Supabase;
    let is_live = args.file.is_none() || args.connection.is_given();
    if args.rpo.is_some() && !is_live {
        return Err(Failure::broken(
            "--rpo: how old the backup is shows against the database in use: name it with --database-url",
        ));
    }
    let place = is_live.then(|| Place::open(&args.place, &args.connection)).transpose()?;
    let kept;
    let mut dumped = None;
    let file = match (&args.file, &place) {
        (Some(file), _) => file.clone(),
        (None, None) => return Err(Failure::broken("no backup and no database is named")),
        (None, Some(place)) => {
            kept = tempfile::tempdir().map_err(|error| Failure::broken(format!("cannot make a folder: {error}")))?;
            let file = kept.path().join("drill.dump");
            let start = Instant::now();
            backup::write(place, &file, Scope::Whole, &[], None)?;
            dumped = Some(start.elapsed().as_secs_f64());
            file
        }
    };
    let path = beside(&file);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::broken(format!("cannot read {}: {error}; `specc backup` writes it next to the dump", path.display()))
    })?;
    let manifest = Manifest::from_json(&text).map_err(failure)?;
    if manifest.scope != Scope::Whole || !manifest.only.is_empty() {
        return Err(Failure::Refused(
            None,
            "the backup is not whole: a drill restores schema and rows of a database\n  help: `specc backup` without \
             --schema-only, --data-only and --table"
                .to_owned(),
        ));
    }
    let mut live = place.as_ref().map(Place::connect).transpose().map_err(broken)?;

    let start = Instant::now();
    let major = manifest.server.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok());
    let scratch = match (args.postgres, with_platform) {
        (Some(asked), _) => Scratch::exactly(asked, with_platform),
        (None, true) => Scratch::start(major, true),
        (None, false) => Scratch::start_bare(major),
    };
    let scratch = scratch.map_err(|error| Failure::broken(error.to_string()))?;
    let limits = Limits { time: Duration::from_secs_f64(args.timeout), disk: args.disk << 30 };
    let guard = scratch.limit(limits);
    let (database, mut session) = scratch.database().map_err(|error| Failure::broken(error.to_string()))?;
    let server = start.elapsed().as_secs_f64();

    let mut restored = || -> Result<(Restored, u64), Failure> {
        let mut above = database.connect_superuser().map_err(broken)?;
        let roles = specc_runner::roles(&manifest, live.as_mut()).map_err(failure)?;
        specc_runner::make_roles(&mut above, platform::OWNER, &roles).map_err(failure)?;
        let keys = match &mut live {
            Some(live) => specc_runner::copy_keys(live, &mut above, &manifest.without).map_err(failure)?,
            None => 0,
        };
        drop(above);
        let address = Address::resolve(Some(&database.url(platform::OWNER)), |_| None).map_err(broken)?;
        let options = RestoreOptions { no_owner: args.no_owner, ..RestoreOptions::default() };
        let back = specc_runner::restore(&mut session, &address, &file, &manifest, &options, &tell).map_err(failure)?;
        Ok((back, keys))
    };
    let begun = Instant::now();
    let done = restored();
    let (restored, rto) = (begun.elapsed().as_secs_f64(), start.elapsed().as_secs_f64());
    if let Some(what) = guard.exceeded() {
        return Err(Failure::Refused(
            None,
            format!("the drill was ended: {what}\n  help: `--timeout SECONDS` and `--disk GB` allow more"),
        ));
    }
    let (back, keys) = done.map_err(|failure| not_back(failure, live.is_none()))?;
    drop(guard);
    let behind = live.as_mut().map(|live| specc_runner::behind(live, &manifest)).transpose().map_err(failure)?;

    let mut over = Vec::new();
    let mut hold = |what: &str, is: f64, most: Option<f64>| {
        if let Some(most) = most.filter(|most| is > *most) {
            over.push(format!("{what} is {is:.1} s, and may be {most} s"));
        }
    };
    hold("RTO", rto, args.rto);
    if let Some(behind) = &behind {
        hold("RPO", behind.seconds, args.rpo);
        // Clocks differ by seconds; a backup of a time that has not come has no age that could be held.
        if behind.seconds < -60.0 {
            over.push(format!(
                "the age of the backup is not known: it says that it was taken {:.0} s from now, so its manifest or a clock is wrong",
                -behind.seconds
            ));
        }
    }
    let drilled = Drilled {
        file: file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        taken: manifest.taken.clone(),
        bytes: manifest.bytes,
        dumped,
        server,
        restored,
        back,
        keys,
        rto,
        behind,
        over,
    };
    summary(format, &drilled, &words(&drilled, scratch.major()));
    Ok(if drilled.over.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// A backup that does not come back is what the drill is for. A reference to an account that is not there has one way out.
fn not_back(failure: Failure, is_alone: bool) -> Failure {
    let (code, words) = match failure {
        Failure::Refused(code, words) => (code, words),
        Failure::Broken(words) => (None, words),
        other => return other,
    };
    let help = match is_alone && words.contains("foreign key") {
        true => {
            "\n  help: rows may refer to accounts, which are not in a backup: with `--database-url` their keys are copied for the drill"
        }
        false => "",
    };
    Failure::Refused(code, format!("the backup does not come back: {words}{help}"))
}

fn words(drilled: &Drilled, major: u32) -> String {
    let mut lines = vec![format!(
        "{}: taken {}, {:.1} MB{}",
        drilled.file,
        drilled.taken,
        drilled.bytes as f64 / 1e6,
        drilled.dumped.map(|seconds| format!(", in {seconds:.1} s")).unwrap_or_default()
    )];
    lines.push(format!(
        "  RTO  {:.1} s: a private server of Postgres {major} in {:.1} s, restored and compared in {:.1} s; {} and {} rows are as \
         they were",
        drilled.rto,
        drilled.server,
        drilled.restored,
        plural(drilled.back.tables, "table"),
        drilled.back.rows
    ));
    if drilled.keys > 0 {
        lines.push(format!("       {} keys of the platform's rows were copied, which are in no backup", drilled.keys));
    }
    match &drilled.behind {
        None => lines.push("  RPO  not known: no database in use is named (--database-url)".to_owned()),
        Some(behind) => {
            lines.push(format!(
                "  RPO  {:.1} s: so old is the backup; {} as in it, {} not",
                behind.seconds,
                plural(behind.same, "table"),
                behind.tables.len()
            ));
            for one in &behind.tables {
                let now = one.now.map_or("gone".to_owned(), |rows| format!("{rows} rows now"));
                let later = one.later.map(|rows| format!(", {rows} of them later")).unwrap_or_default();
                let last = one.last.as_ref().map(|last| format!(", the last at {last}")).unwrap_or_default();
                lines.push(format!("       {}: {} rows in the backup, {now}{later}{last}", one.table, one.backup));
            }
        }
    }
    lines.extend(drilled.over.iter().map(|line| format!("  OVER {line}")));
    lines.join("\n")
}
