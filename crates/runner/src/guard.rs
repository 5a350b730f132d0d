//! Whether a database is production: what it says of itself. What the project says comes with the options.

use crate::{Error, Refused};
use specc_postgres::{Session, postgres};

/// Why a database counts as production, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Production(pub String);

/// What the database says of itself: by a setting, by its comment, or in `specc.environment`.
///
/// # Errors
/// Where it cannot be asked.
pub fn production(session: &mut Session) -> Result<Option<Production>, Error> {
    Ok(says(session)?.map(|how| Production(how.to_owned())))
}

fn says(session: &mut Session) -> Result<Option<&'static str>, postgres::Error> {
    // The setting is read from where `alter database` keeps it: a session can say what it likes.
    let row = session.query_one(
        "select exists (select from pg_db_role_setting s, unnest(s.setconfig) c \
             where s.setdatabase = d.oid and c ~* '^specc\\.environment=\"?production\"?$'), \
           coalesce(shobj_description(d.oid, 'pg_database') ~* '\\mspecc(\\.environment)?\\s*[:=]\\s*production\\M', false), \
           to_regclass('specc.environment') is not null \
         from pg_database d where d.datname = current_database()",
        &[],
    )?;
    if row.get(0) {
        return Ok(Some("the database says so: its setting specc.environment is production"));
    }
    if row.get(1) {
        return Ok(Some("the database says so: its comment has `specc: production`"));
    }
    if row.get(2)
        && session
            .query_one("select exists (select from specc.environment where lower(name) = 'production')", &[])?
            .get(0)
    {
        return Ok(Some("the database says so: specc.environment has a row `production`"));
    }
    Ok(None)
}

/// Refuses to do `what` on production without its flag.
pub(crate) fn check(production: Option<&Production>, allowed: bool, what: &str, flag: &str) -> Result<(), Error> {
    match production {
        Some(Production(why)) if !allowed => {
            Err(Refused::new(format!("this database is production ({why}), so {what} needs a flag"))
                .help(format!("if that is intended: {flag}"))
                .into())
        }
        _ => Ok(()),
    }
}
