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
        let made = self.load(race);
        let wrong = match made {
            Ok(()) => self.both(&mut sessions, race)?,
            Err(why) => Some(format!("its rows cannot be made: {why}")),
        };
        self.clear(race)?;
        self.others = Some(sessions);
        Ok(wrong)
    }

    /// Rows are there as they are; then what the two do fires what it is about.
    fn load(&mut self, race: &Race) -> Result<(), String> {
        let tables: Vec<String> = race.tables.iter().map(|table| specc_sql::quote::text(table)).collect();
        let triggers = |word: &str, which: String| {
            format!(
                "do $specc$ declare one text; begin \
                 for one in select format('alter table %s {word} trigger %I', tgrelid::regclass, tgname) from pg_trigger \
                 where tgrelid = any (array[{}]::regclass[]) and not tgisinternal and tgparentid = 0 and {which} loop \
                 begin execute one; exception when insufficient_privilege then null; end; end loop; end $specc$",
                tables.join(", ")
            )
        };
        let off = triggers("disable", "tgenabled = 'O'".to_owned());
        let on = triggers("enable", format!("tgenabled = 'D' and tgname ~ {}", specc_sql::quote::text(&race.only)));
        let rows: Vec<String> = race.load.iter().enumerate().map(|(at, row)| format!("r{at} as ({row})")).collect();
        let rows = if rows.is_empty() { "select".to_owned() } else { format!("with {} select", rows.join(", ")) };
        let before: String = race.before.iter().map(|statement| format!("{statement}; ")).collect();
        let text = format!("begin; {off}; {rows}; set constraints all immediate; {on}; {before}commit");
        let done = self.session.batch_execute(&text).map_err(|error| said(&error).to_string());
        if done.is_err() {
            let _ = self.session.batch_execute("rollback");
        }
        done
    }

    fn clear(&mut self, race: &Race) -> Result<(), ScratchError> {
        let mut text = String::from("begin; set local session_replication_role = replica;");
        for table in &race.tables {
            text.push_str(&format!("delete from {table}; alter table {table} enable trigger user;"));
        }
        text.push_str("commit");
        if self.session.batch_execute(&text).is_ok() {
            return Ok(());
        }
        let _ = self.session.batch_execute("rollback");
        // A table of the platform is somebody else's, and none of our triggers are on it.
        for table in &race.tables {
            let _ = self.session.batch_execute(&format!("alter table {table} enable trigger user"));
        }
        let all: Vec<String> = race.tables.iter().map(|table| format!("delete from {table}")).collect();
        run(
            &mut self.session,
            &format!("begin; set local session_replication_role = replica; {}; commit", all.join("; ")),
        )
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
