//! Plays a script on a server, in one transaction that leaves nothing behind.

use crate::script::{Act, Ask, Script, Step};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_sql::quote::ident;
use std::collections::BTreeMap;

/// What runs statements, one at a time, in one session.
pub trait Server {
    /// Runs one statement.
    ///
    /// # Errors
    /// What Postgres says where it refuses.
    fn run(&mut self, statement: &str) -> Result<Reply, Refused>;
}

/// What a statement gives.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Rows of texts.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows it touched.
    pub touched: u64,
}

/// An error of Postgres.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The SQLSTATE; empty where the server did not answer.
    pub code: String,
    /// The message.
    pub message: String,
}

/// What came of a step, or of rows that are given.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where it stands.
    pub span: Span,
    /// Who did it; nobody for rows that are given.
    pub who: Option<SmolStr>,
    /// What was run.
    pub statement: String,
    /// What was expected.
    pub expected: String,
    /// What came instead, where it did.
    pub wrong: Option<String>,
}

/// The SQLSTATE of a right that is missing.
const NO_RIGHT: &str = "42501";

/// Plays a script: an outcome for each step, in order. Where rows that are given are refused it ends there.
///
/// # Errors
/// Where the server refuses what has nothing to do with the scenario, such as to begin a transaction.
pub fn play(script: &Script, server: &mut dyn Server) -> Result<Vec<Outcome>, Refused> {
    server.run("begin")?;
    let played = acts(script, server);
    let ended = server.run("rollback");
    let outcomes = played?;
    ended?;
    Ok(outcomes)
}

fn acts(script: &Script, server: &mut dyn Server) -> Result<Vec<Outcome>, Refused> {
    let owner = one(&server.run("select current_user")?).unwrap_or_default();
    let mut outcomes = Vec::new();
    for act in &script.acts {
        match act {
            Act::Given { statements, span } => {
                for statement in statements {
                    let wrong = server.run(statement).err().map(|refused| said(&refused));
                    if wrong.is_some() {
                        let (statement, expected) = (statement.clone(), "the rows that are given".to_owned());
                        outcomes.push(Outcome { span: *span, who: None, statement, expected, wrong });
                        return Ok(outcomes);
                    }
                }
            }
            Act::Step(step) => {
                let (expected, wrong) = played(step, &owner, server)?;
                let who = Some(step.session.who.clone());
                outcomes.push(Outcome { span: step.span, who, statement: step.statement.clone(), expected, wrong });
            }
        }
    }
    Ok(outcomes)
}

/// What is expected of a step, and what came instead.
fn played(step: &Step, owner: &str, server: &mut dyn Server) -> Result<(String, Option<String>), Refused> {
    match &step.ask {
        Ask::Count(expected) => {
            let got = asked(step, server)?;
            Ok((rows(*expected), not_counted(got, *expected)))
        }
        Ask::All { count } => {
            let all = one(&server.run(count)?).and_then(|count| count.parse().ok()).unwrap_or(0);
            let got = asked(step, server)?;
            Ok((format!("all of them: {}", rows(all)), not_counted(got, all)))
        }
        Ask::Only { labels, known } => {
            let known = match known.is_empty() {
                true => Reply::default(),
                false => server.run(known)?,
            };
            let names: BTreeMap<String, String> = known.rows.iter().filter_map(pair).collect();
            let got = asked(step, server)?;
            Ok((format!("only {}", labels.join(", ")), not_only(got, labels, &names)))
        }
        Ask::Allowed { row } => {
            let expected = "allowed".to_owned();
            let Ok(tried) = tried(step, row.as_deref(), owner, server)? else {
                return Ok((expected, Some("the row is not there".to_owned())));
            };
            let wrong = match tried {
                Ok(0) if row.is_some() => Some("it touched no rows".to_owned()),
                Ok(_) => None,
                Err(refused) => Some(said(&refused)),
            };
            match wrong.is_some() {
                true => leave(server)?,
                false => drop(server.run("release savepoint step")?),
            }
            Ok((expected, wrong))
        }
        Ask::Denied { row, code } => {
            let expected = code.as_ref().map_or("denied".to_owned(), |code| format!("denied with {code}"));
            let Ok(tried) = tried(step, row.as_deref(), owner, server)? else {
                return Ok((expected, Some("the row is not there".to_owned())));
            };
            leave(server)?;
            let wrong = match (tried, code) {
                (Ok(0), None) if row.is_some() => None,
                (Ok(0), Some(_)) if row.is_some() => Some("it touched no rows".to_owned()),
                (Ok(_), _) => Some("it was let through".to_owned()),
                (Err(refused), None) if refused.code == NO_RIGHT => None,
                (Err(refused), Some(code)) if refused.code == *code => None,
                (Err(refused), _) => Some(said(&refused)),
            };
            Ok((expected, wrong))
        }
    }
}

/// A row that nobody can be kept from, since it is not there.
struct Gone;

/// Runs a statement: how many rows it touched, or the error. A row that a trigger changes in place of a statement, as a soft
/// deletion does, is touched too.
fn tried(
    step: &Step,
    row: Option<&str>,
    owner: &str,
    server: &mut dyn Server,
) -> Result<Result<Result<u64, Refused>, Gone>, Refused> {
    let before = row.map(|row| server.run(row)).transpose()?;
    if before.as_ref().is_some_and(|reply| reply.rows.is_empty()) {
        return Ok(Err(Gone));
    }
    enter(step, server)?;
    let reply = match server.run(&step.statement).and_then(|reply| late(server).map(|()| reply)) {
        Ok(reply) => reply,
        Err(refused) => return Ok(Ok(Err(refused))),
    };
    server.run(&format!("set local role {}", ident(owner)))?;
    let after = row.map(|row| server.run(row)).transpose()?;
    let changed = before.map(|reply| reply.rows) != after.map(|reply| reply.rows);
    Ok(Ok(Ok(reply.touched.max(u64::from(changed)))))
}

/// Becomes who does the step. An owner who may not act as the role, and may make herself a member of it, is one until the
/// scenario ends.
fn enter(step: &Step, server: &mut dyn Server) -> Result<(), Refused> {
    let role = ident(&step.session.role);
    let become_it = format!("set local role {role}");
    server.run("savepoint step")?;
    if server.run(&become_it).is_err() {
        server.run("rollback to savepoint step")?;
        server.run(&format!("grant {role} to current_user"))?;
    } else {
        server.run("rollback to savepoint step")?;
    }
    server.run(&step.session.settings)?;
    server.run(&become_it)?;
    Ok(())
}

/// Goes back to before the step, and to the owner.
fn leave(server: &mut dyn Server) -> Result<(), Refused> {
    server.run("rollback to savepoint step")?;
    server.run("release savepoint step")?;
    Ok(())
}

/// Asks for what is checked at the end of a transaction, and lets it wait all the same.
fn late(server: &mut dyn Server) -> Result<(), Refused> {
    server.run("savepoint late")?;
    server.run("set constraints all immediate")?;
    server.run("rollback to savepoint late")?;
    server.run("release savepoint late")?;
    Ok(())
}

/// What a question of a step gives; what it may do besides is undone.
fn asked(step: &Step, server: &mut dyn Server) -> Result<Result<Reply, Refused>, Refused> {
    enter(step, server)?;
    let got = server.run(&step.statement);
    leave(server)?;
    Ok(got)
}

fn one(reply: &Reply) -> Option<String> {
    reply.rows.first()?.first()?.clone()
}

/// A label by the key of its row.
fn pair(row: &Vec<Option<String>>) -> Option<(String, String)> {
    match row.as_slice() {
        [Some(label), Some(key)] => Some((key.clone(), label.clone())),
        _ => None,
    }
}

fn rows(count: u64) -> String {
    match count {
        0 => "no rows".to_owned(),
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}

fn said(refused: &Refused) -> String {
    format!("refused with {}: {}", refused.code, refused.message)
}

fn not_counted(got: Result<Reply, Refused>, expected: u64) -> Option<String> {
    match got {
        Ok(reply) => {
            let count = one(&reply).and_then(|count| count.parse().ok()).unwrap_or(0);
            (count != expected).then(|| rows(count))
        }
        // Who may not ask at all sees nothing.
        Err(refused) if expected == 0 && refused.code == NO_RIGHT => None,
        Err(refused) => Some(said(&refused)),
    }
}

fn not_only(got: Result<Reply, Refused>, labels: &[SmolStr], names: &BTreeMap<String, String>) -> Option<String> {
    let reply = match got {
        Ok(reply) => reply,
        Err(refused) => return Some(said(&refused)),
    };
    let mut seen: Vec<String> = Vec::new();
    for key in reply.rows.iter().filter_map(|row| row.first()?.as_ref()) {
        seen.push(names.get(key).map_or_else(|| format!("a row {key} without a label"), Clone::clone));
    }
    let mut expected: Vec<&str> = labels.iter().map(SmolStr::as_str).collect();
    expected.sort_unstable();
    seen.sort_unstable();
    if expected == seen {
        return None;
    }
    // The first few say enough.
    const SHOWN: usize = 8;
    let more = seen.len().saturating_sub(SHOWN);
    seen.truncate(SHOWN);
    Some(match (seen.is_empty(), more) {
        (true, _) => "no rows".to_owned(),
        (false, 0) => seen.join(", "),
        (false, more) => format!("{} and {more} more", seen.join(", ")),
    })
}
