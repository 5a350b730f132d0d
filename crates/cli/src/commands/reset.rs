//! `specc reset`

use super::database::{Place, broken, failure, summary, tell};
use crate::args::{Format, Reset};
use crate::report::{Failure, plural};
use specc_runner::{Options, ResetOptions};
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Drops what is the project's, applies all migrations, and adds the rows of an environment.
pub fn run(args: &Reset, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    // What comes after must be there before anything goes.
    let migrations = place.migrations()?;
    let seed = args.seed.as_ref().map(|environment| place.seed(environment)).transpose()?;
    let mut session = place.connect().map_err(broken)?;
    if !args.yes {
        confirm(&place)?;
    }
    let wait = Duration::from_secs(args.wait);
    let options = ResetOptions {
        allow_production_reset: args.allow_production_reset.clone(),
        production: place.production(),
        wait,
    };
    let dropped = specc_runner::reset(&mut session, &options, &tell).map_err(failure)?;
    eprintln!("dropped {}", plural(dropped.len(), "object"));
    let options = Options {
        supabase: place.is_supabase(),
        allow_production: args.allow_production_reset.is_some(),
        wait,
        specc: env!("CARGO_PKG_VERSION").into(),
        ..Options::default()
    };
    let connect = || place.connect();
    let done = specc_runner::apply(&connect, &migrations, &options, &mut |_| Ok(()), &tell).map_err(failure)?;
    if let Some(seed) = &seed {
        specc_runner::seed(&mut session, &seed.path, &seed.text, &tell).map_err(failure)?;
    }
    let seeded = seed.as_ref().map(|seed| format!(", seeded from {}", seed.path)).unwrap_or_default();
    let words = format!("{}: reset, applied {}{seeded}", place.address, plural(done.ran.len(), "migration"));
    let json = serde_json::json!({
        "dropped": dropped.len(), "applied": done.ran, "seed": seed.map(|seed| seed.path),
    });
    summary(format, &json, &words);
    Ok(ExitCode::SUCCESS)
}

fn confirm(place: &Place) -> Result<(), Failure> {
    let name = place.address.database();
    if !std::io::stdin().is_terminal() {
        return Err(Failure::broken(format!(
            "reset drops everything of the project in {}, and there is no terminal to ask on; if that is intended: --yes",
            place.address
        )));
    }
    eprint!(
        "This drops everything of the project in {}. Type the database's name ({name}) to continue: ",
        place.address
    );
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    if answer.trim() == name { Ok(()) } else { Err(Failure::Refused(None, "nothing was changed".into())) }
}
