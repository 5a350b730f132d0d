//! A database for tests: what the spec says, and no rows.

use crate::fill::samples;
use crate::make;
use crate::scratch::ScratchError;
use crate::server::{ScratchDatabase, Server};
use crate::words::said;
use specc_catalog::{Catalog, Object};
use specc_migrate::plan_create;
use specc_postgres::Session;
use specc_postgres::postgres::{self, SimpleQueryMessage};
use specc_prove::Sample;
use specc_sql::quote::{ident, qualified};
use specc_trial::{ASKED, Answer, Asked, Got, HARNESS, Outcome, Privilege, Run, answer, is_worth_another};
use std::collections::BTreeMap;

/// What is to be there.
pub struct Made<'a> {
    /// The spec.
    pub catalog: &'a Catalog,
    /// Tables of others that rows refer to, quoted.
    pub external: Vec<String>,
    /// Roles that are taken on.
    pub roles: Vec<String>,
}

/// Values by schema, table and column.
pub type Texts = BTreeMap<(String, String, String), Sample>;

/// The database, and who makes rows in it.
pub struct Ground {
    pub(crate) session: Session,
    /// Two who do something at once, once there is need of them.
    pub(crate) others: Option<[Session; 2]>,
    /// Goes after the sessions.
    pub(crate) database: ScratchDatabase,
}

/// Nothing of the author's fires for what only clears the tables.
const QUIET: &str = "set session_replication_role = replica";

impl Ground {
    /// Makes it.
    ///
    /// # Errors
    /// Where the spec cannot be made, or the server breaks.
    pub fn make(server: &Server, made: &Made<'_>) -> Result<Self, ScratchError> {
        let database = server.database()?;
        let mut owner = database.connect(false)?;
        let mut catalog = made.catalog.clone();
        catalog.retain(|_, entry| !matches!(entry.object, Object::Seed(_)));
        let above = database.own().filter(|_| server.is_confined());
        make::run(above, &mut owner, plan_create(&catalog)?.statements())?;
        let mut session = database.connect(true)?;
        // Somebody else's server may not let us; then rows that are there are taken away under triggers.
        let quiet = session.batch_execute(QUIET).is_ok();
        let tables: Vec<String> = made
            .catalog
            .iter()
            .filter_map(|(_, entry)| match &entry.object {
                Object::Table(table) if table.partition_of.is_none() => {
                    Some(qualified(&table.table.schema, &table.table.name))
                }
                _ => None,
            })
            .collect();
        if !tables.is_empty() {
            run(&mut session, &format!("truncate {} cascade", tables.join(", ")))?;
        }
        for table in &made.external {
            run(&mut session, &format!("delete from {table}"))?;
        }
        if quiet {
            run(&mut session, "reset session_replication_role")?;
        }
        for role in &made.roles {
            // Who made the role may give it away, where the server lets anybody.
            if session.batch_execute(&format!("set role {}", ident(role))).is_err() {
                let who = session.query_one("select session_user::text", &[]).map_err(|error| said(&error))?;
                let who: String = who.get(0);
                let _ = owner.batch_execute(&format!("grant {} to {}", ident(role), ident(&who)));
            }
            run(&mut session, "reset role")?;
        }
        run(&mut session, HARNESS)?;
        run(&mut session, ASKED)?;
        Ok(Self { session, others: None, database })
    }

    /// Texts of values that columns take, by schema, table and column.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn samples(&mut self, catalog: &Catalog) -> Result<Texts, ScratchError> {
        let found = samples(&mut self.session, catalog).map_err(|error| said(&error))?;
        Ok(found
            .into_iter()
            .map(|((table, column), sample)| ((table.schema.to_string(), table.name.to_string(), column), sample))
            .collect())
    }

    /// What comes of each statement of a run, or why its rows could not be made. What the rules let pass and something else
    /// refuses is tried again without the author's triggers.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn run(&mut self, run: &Run) -> Result<Result<Outcome, String>, ScratchError> {
        let got = match self.tried(run, None)? {
            Ok(got) => got,
            Err(why) => return Ok(Err(why)),
        };
        let mut outcome = Outcome { got, quiet: false };
        if run.tries.iter().zip(&outcome.got).any(|(one, got)| is_worth_another(&one.expected, got))
            && let Ok(again) = self.tried(run, Some(&run.table))?
        {
            outcome.quiet = true;
            for ((one, got), again) in run.tries.iter().zip(&mut outcome.got).zip(again) {
                if is_worth_another(&one.expected, got) {
                    *got = again;
                }
            }
        }
        Ok(Ok(outcome))
    }

    fn tried(&mut self, run: &Run, quiet: Option<&str>) -> Result<Result<Vec<Got>, String>, ScratchError> {
        let statements: Vec<&str> = run.tries.iter().map(|one| one.sql.as_str()).collect();
        let row = self
            .session
            .query_one(
                "select pg_temp.specc_trial($1, $2, $3, $4, $5, $6, $7, $8)",
                &[&run.tables, &run.load, &run.emptied, &quiet, &run.only, &run.role, &run.settings, &statements],
            )
            .map_err(|error| said(&error))?;
        let said: Vec<String> = row.get(0);
        let got: Option<Vec<Got>> = said.iter().map(|text| Got::read(text)).collect();
        Ok(match got {
            Some(got) if got.len() == statements.len() => Ok(got),
            _ => Err(said.first().map_or("", |text| text.strip_prefix("load ").unwrap_or(text)).to_owned()),
        })
    }

    /// Does something where the rows of a run are, in a transaction that is undone; or why they could not be made. `quiet`:
    /// without the author's triggers on its table.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn within<T>(
        &mut self,
        run: &Run,
        quiet: bool,
        act: impl FnOnce(&mut Session) -> Result<T, postgres::Error>,
    ) -> Result<Result<T, String>, ScratchError> {
        let broken = |error: postgres::Error| ScratchError::Postgres(said(&error).to_string());
        self.session.batch_execute("begin").map_err(broken)?;
        let quiet = quiet.then_some(run.table.as_str());
        let staged = self.session.execute(
            "select pg_temp.specc_staged($1, $2, $3, $4, $5)",
            &[&run.tables, &run.load, &run.emptied, &quiet, &run.only],
        );
        let done = match staged.and_then(|_| act(&mut self.session)) {
            Ok(done) => Ok(Ok(done)),
            Err(error) if error.as_db_error().is_some() => Ok(Err(said(&error).to_string())),
            Err(error) => Err(broken(error)),
        };
        self.session.batch_execute("rollback").map_err(broken)?;
        done
    }

    /// Whether each role has its privilege.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn privileges(&mut self, all: &[Privilege]) -> Result<Vec<bool>, ScratchError> {
        let column = |one: fn(&Privilege) -> Option<&str>| -> Vec<Option<&str>> { all.iter().map(one).collect() };
        let rows = self
            .session
            .query(
                "select case when c is null then has_table_privilege(r, t, p) else has_column_privilege(r, t, c, p) end \
                 from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as u (r, t, p, c, n) order by n",
                &[
                    &column(|one| Some(&one.role)),
                    &column(|one| Some(&one.table)),
                    &column(|one| Some(one.command.word())),
                    &column(|one| one.column.as_deref()),
                ],
            )
            .map_err(|error| said(&error))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

pub(crate) fn run(session: &mut Session, text: &str) -> Result<(), ScratchError> {
    session.batch_execute(text).map_err(|error| crate::scratch::refused(&error, text))
}

/// Conditions of the author's are asked where everything is tried. Where the connection breaks nothing is known.
impl Asked for Ground {
    fn ask(&mut self, questions: &[String]) -> Vec<Answer> {
        let said: Vec<String> = match self.session.query_one("select pg_temp.specc_asked($1)", &[&questions]) {
            Ok(row) => row.get(0),
            Err(_) => Vec::new(),
        };
        let none = std::iter::repeat_with(|| Err((String::new(), String::new())));
        said.iter().map(|text| answer(text)).chain(none).take(questions.len()).collect()
    }
}

/// Scenarios are played where everything else is tried.
impl specc_scenario::Server for Ground {
    fn run(&mut self, statement: &str) -> Result<specc_scenario::Reply, specc_scenario::Refused> {
        let answers = self.session.simple_query(statement).map_err(|error| match error.as_db_error() {
            Some(db) => specc_scenario::Refused { code: db.code().code().into(), message: db.message().into() },
            None => specc_scenario::Refused { code: String::new(), message: error.to_string() },
        })?;
        let mut reply = specc_scenario::Reply::default();
        for answer in answers {
            match answer {
                SimpleQueryMessage::Row(row) => {
                    reply.rows.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect());
                }
                SimpleQueryMessage::CommandComplete(touched) => reply.touched = touched,
                _ => {}
            }
        }
        Ok(reply)
    }
}
