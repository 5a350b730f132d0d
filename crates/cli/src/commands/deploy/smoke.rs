//! What `specc smoke` asks of a database in use, as a check of a deployment for each role.

use crate::commands::smoke::{ask, asker, may_ask, surface};
use crate::pipeline::Compilation;
use crate::report::plural;
use specc_deploy::Looked;
use specc_postgres::{Session, postgres};
use specc_smoke::{Budget, Report, Surface, Tried, came};

/// The role of who has not signed in.
const ANON: &str = "anon";

/// So many rows a request reads at most.
const ROWS: u64 = 1000;

/// So many of its failures a check names.
const NAMED: usize = 5;

/// Asks as each role that clients have; nothing is changed.
pub fn as_each_role(session: &mut Session, compilation: &Compilation) -> Vec<Looked> {
    let around = specc_lower::external(&compilation.model);
    let surface = surface(compilation, &around, &[], ANON);
    let roles: Vec<_> = surface.roles().cloned().collect();
    roles.iter().map(|role| one(session, &surface, role)).collect()
}

fn one(session: &mut Session, surface: &Surface<'_>, role: &str) -> Looked {
    let name = format!("as {role}");
    let unasked =
        |why: String| Looked::unknown(&name, why, "grant the role to who connects, as Supabase does to `postgres`");
    let said =
        |error: &postgres::Error| error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    match may_ask(session, role) {
        Ok(true) => {}
        Ok(false) => return unasked(format!("whoever connects is no member of `{role}`")),
        Err(error) => return unasked(said(&error)),
    }
    let mut report = Report::new(ANON);
    let limits = session.batch_execute("set statement_timeout = '10s'; set lock_timeout = '2s'");
    let askers = [asker(surface.model, role, None)];
    let budget = Budget { rows: ROWS, writes: false };
    let asked = limits.and_then(|()| ask(session, surface, (&askers, &|_| true), budget, &mut report));
    if let Err(error) = asked.and(session.batch_execute("reset statement_timeout; reset lock_timeout")) {
        return unasked(said(&error));
    }
    let line = |one: &Tried| format!("{}: {}", one.exchange.request.line(), came(&one.reply));
    let wrong: Vec<String> = report.failures().take(NAMED).map(line).collect();
    match report.failures().count().checked_sub(wrong.len()) {
        _ if wrong.is_empty() => {
            Looked::passed(&name, format!("{}: answered as the rules say", plural(report.tried.len(), "request")))
        }
        more => {
            let more = more.filter(|more| *more > 0).map(|more| format!("; and {more} more")).unwrap_or_default();
            let help = "`specc smoke --database-url` asks again, `specc drift` says how the database differs";
            Looked::failed(&name, wrong.join("; ") + &more, help)
        }
    }
}
