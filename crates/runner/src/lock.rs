//! One runner at a time.

#![expect(clippy::disallowed_methods, reason = "a run waits for a server and says how long it took")]

use crate::{Connect, Error, Event, Refused, Tell, meanwhile};
use specc_postgres::{Session, postgres};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The key of the lock: "specc" and a number in ASCII.
const KEY: i64 = 0x0073_7065_6363_0001;

const POLL: Duration = Duration::from_millis(250);
/// The session of a runner that has just ended takes a moment to end too.
const MOMENT: Duration = Duration::from_millis(600);

/// Takes the lock for as long as the session lives, waiting as long as `patience` for who has it. It is asked for again and
/// again, never waited for in the server: a statement that waits there holds a snapshot, which a concurrent index build of
/// the other runner would wait for in turn.
pub(crate) fn take(session: &mut Session, patience: Duration, tell: Tell<'_>) -> Result<(), Error> {
    let patience = patience.max(MOMENT);
    let began = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        let taken: bool = session.query_one("select pg_try_advisory_lock($1)", &[&KEY])?.get(0);
        if taken {
            kept(session)?;
            return meanwhile::resume(session, tell);
        }
        let waited = began.elapsed();
        let left = patience.saturating_sub(waited);
        let due = waited > MOMENT && said.is_none_or(|last| last.elapsed() >= Duration::from_secs(5));
        if left.is_zero() || due {
            let holder = holder(session)?.unwrap_or_else(|| "it has just ended".into());
            if left.is_zero() {
                return Err(Refused::new(format!("another runner holds the lock of this database: {holder}"))
                    .help("wait for it with --wait SECONDS; if nobody knows of it, end it with pg_terminate_backend")
                    .into());
            }
            said = Some(Instant::now());
            tell(Event::Waiting { holder, waited });
        }
        sleep(if waited < MOMENT { MOMENT / 20 } else { POLL.min(left) });
    }
}

/// Refuses a pooler that gives every transaction to another session: neither a lock nor a setting is kept there. Such a
/// pooler gives the session that is free to who asks next, so another connection meets ours.
pub(crate) fn direct(session: &mut Session, connect: Connect<'_>) -> Result<(), Error> {
    // Prepared statements are not kept there either.
    let ask = |session: &mut Session| -> Result<Option<String>, Error> {
        let messages = session.simple_query("select pg_backend_pid()")?;
        Ok(messages.iter().find_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    };
    let mut other = connect()?;
    let ours = ask(session)?;
    for _ in 0..3 {
        other.batch_execute("begin")?;
        let theirs = ask(&mut other)?;
        // In a pool of one session ours would wait for the other's transaction.
        let met = theirs == ours || ask(session)? != ours;
        other.batch_execute("rollback")?;
        if met {
            return Err(pooled());
        }
    }
    Ok(())
}

fn pooled() -> Error {
    Refused::new(
        "the connection goes through a pooler that changes sessions between transactions, so neither a lock nor a setting is kept",
    )
    .help("connect to the database itself, or to the pooler's session mode (on Supabase: port 5432, not 6543)")
    .into()
}

/// Between us and the server may be something that gives every statement to another session.
fn kept(session: &mut Session) -> Result<(), Error> {
    let kept: bool = session
        .query_one(
            "select exists (select from pg_locks where locktype = 'advisory' and granted and pid = pg_backend_pid() \
             and (classid::int8 << 32 | objid::int8) = $1)",
            &[&KEY],
        )?
        .get(0);
    if kept {
        return Ok(());
    }
    Err(pooled())
}

/// Gives the lock back.
pub(crate) fn release(session: &mut Session) -> Result<(), postgres::Error> {
    session.execute("select pg_advisory_unlock($1)", &[&KEY]).map(drop)
}

/// Who has it.
pub(crate) fn holder(session: &mut Session) -> Result<Option<String>, postgres::Error> {
    let row = session.query_opt(
        "select format('process %s, %s, since %s', a.pid, concat_ws(', ', a.usename, nullif(a.application_name, '')), \
           to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')) \
         from pg_locks l join pg_stat_activity a using (pid) \
         where l.locktype = 'advisory' and l.granted and l.objsubid = 1 \
           and l.database = (select oid from pg_database where datname = current_database()) \
           and (l.classid::int8 << 32 | l.objid::int8) = $1 and l.pid <> pg_backend_pid() limit 1",
        &[&KEY],
    )?;
    Ok(row.map(|row| row.get(0)))
}
