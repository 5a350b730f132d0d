//! Two sessions at once, each in a transaction: what one of them waits for, and what the tables have in the end.

#![expect(clippy::disallowed_methods, reason = "two transactions run at once")]

use crate::ground::{Ground, run};
use crate::scratch::ScratchError;
use crate::words::said;
use specc_postgres::Session;
use specc_trial::Race;
use std::time::Duration;

/// What came of a transaction: let through, or refused with an SQLSTATE and a message.
type Came = Result<(), (String, String)>;

/// A trigger: the beginning and the end of the statement that turns it on or off.
struct Trigger {
    table: String,
    name: String,
    is_asked: bool,
}

impl Trigger {
    /// Where the table is somebody else's it stays as it is.
    fn turned(&self, word: &str) -> String {
        let Self { table, name, .. } = self;
        format!(
            "do $specc$ begin {table} {word} {name}; exception when insufficient_privilege then null; end $specc$; "
        )
    }
}

impl Ground {
    /// What is wrong with what two sessions did at once, if anything is. The first has done its statement when the second
    /// begins, and ends when that waits or is done.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn race(&mut self, race: &Race) -> Result<Option<String>, ScratchError> {
        let mut sessions = match self.others.take() {
            Some(sessions) => sessions,
            None => [self.database.connect(true)?, self.database.connect(true)?],
        };
        let firing = self.firing(race)?;
        let wrong = match self.load(race, &firing) {
            Ok(()) => self.both(&mut sessions, race)?,
            Err(why) => Some(format!("its rows cannot be made: {why}")),
        };
        self.clear(race, &firing)?;
        self.others = Some(sessions);
        Ok(wrong)
    }

    /// The triggers of the tables that fire, and whether they are what it is about. What does not fire stays so.
    fn firing(&mut self, race: &Race) -> Result<Vec<Trigger>, ScratchError> {
        const ASK: &str = "select format('alter table %s', tgrelid::regclass), format('trigger %I', tgname), tgname ~ $2 \
             from pg_trigger where tgrelid = any ($1::text[]::regclass[]) and not tgisinternal and tgparentid = 0 \
             and tgenabled = 'O'";
        let rows = self.session.query(ASK, &[&race.tables, &race.only]).map_err(|error| said(&error))?;
        Ok(rows.iter().map(|row| Trigger { table: row.get(0), name: row.get(1), is_asked: row.get(2) }).collect())
    }

    /// Rows are there as they are; then what the two do fires what it is about.
    fn load(&mut self, race: &Race, firing: &[Trigger]) -> Result<(), String> {
        let off: String = firing.iter().map(|trigger| trigger.turned("disable")).collect();
        let on: String = firing.iter().filter(|trigger| trigger.is_asked).map(|one| one.turned("enable")).collect();
        let rows: Vec<String> = race.load.iter().enumerate().map(|(at, row)| format!("r{at} as ({row})")).collect();
        let rows = if rows.is_empty() { "select".to_owned() } else { format!("with {} select", rows.join(", ")) };
        let before: String = race.before.iter().map(|statement| format!("{statement}; ")).collect();
        let text = format!("begin; {off}{rows}; set constraints all immediate; {on}{before}commit");
        let done = self.session.batch_execute(&text).map_err(|error| said(&error).to_string());
        if done.is_err() {
            let _ = self.session.batch_execute("rollback");
        }
        done
    }

    /// The tables are empty again, and what fired fires.
    fn clear(&mut self, race: &Race, firing: &[Trigger]) -> Result<(), ScratchError> {
        let gone: String = race.tables.iter().map(|table| format!("delete from {table}; ")).collect();
        let on: String = firing.iter().map(|trigger| trigger.turned("enable")).collect();
        run(&mut self.session, &format!("begin; set local session_replication_role = replica; {gone}{on}commit"))
    }

    fn both(&mut self, sessions: &mut [Session; 2], race: &Race) -> Result<Option<String>, ScratchError> {
        let [first, second] = sessions;
        let pid: i32 = second.query_one("select pg_backend_pid()", &[]).map_err(|error| said(&error))?.get(0);
        let [one, other] = &race.statements;
        let began = came(first, &format!("begin; {one}"));
        let watcher = &mut self.session;
        let (mine, theirs) = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| {
                let came = came(second, &format!("begin; set local statement_timeout = '10s'; {other}; commit"));
                let _ = second.batch_execute("rollback");
                came
            });
            while !theirs.is_finished() && !waits(watcher, pid) {
                std::thread::sleep(Duration::from_millis(1));
            }
            let mine = match began {
                Ok(()) => came(first, "commit"),
                Err(why) => {
                    let _ = first.batch_execute("rollback");
                    Err(why)
                }
            };
            (mine, theirs.join().unwrap_or_else(|_| Err((String::new(), "the session broke".to_owned()))))
        });
        let passed = [&mine, &theirs].into_iter().filter(|came| came.is_ok()).count();
        for (state, message) in [&mine, &theirs].into_iter().filter_map(|came| came.as_ref().err()) {
            if !race.refusals.contains(state) {
                return Ok(Some(format!("one of the two was refused: {message} ({state})")));
            }
        }
        if passed == 0 || passed > race.most {
            return Ok(Some(format!("{passed} of the two were let through")));
        }
        let row = self.session.query_one(&race.holds, &[]).map_err(|error| said(&error))?;
        let holds: Option<bool> = row.get(0);
        Ok((holds != Some(true)).then(|| "in the end it does not hold".to_owned()))
    }
}

/// Whether a session waits for a lock.
fn waits(session: &mut Session, pid: i32) -> bool {
    const ASK: &str = "select exists (select from pg_locks where pid = $1 and not granted)";
    session.query_one(ASK, &[&pid]).is_ok_and(|row| row.get(0))
}

fn came(session: &mut Session, text: &str) -> Came {
    session.batch_execute(text).map_err(|error| match error.as_db_error() {
        Some(db) => (db.code().code().to_owned(), db.message().to_owned()),
        None => (String::new(), error.to_string()),
    })
}
