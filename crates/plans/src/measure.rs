//! Queries run as the roles that ask, at a fixed rate, over a database that has its rows.
//!
//! Requests are due at fixed times, whether those before them are done or not: the time of one that had to wait counts from when it
//! was due, as it does for who waits for a page.

#![expect(clippy::disallowed_methods, reason = "requests are made by several clients at once, and timed")]

use crate::explain::{Asks, explained};
use crate::said;
use serde_json::Value;
use specc_model::{Model, Query};
use specc_postgres::postgres::SimpleQueryMessage;
use specc_postgres::{Database, Session as Connection};
use specc_size::Sizes;
use specc_sql::quote::{ident, literal, qualified};
use specc_verify::ScratchError;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How requests are made.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Requests a second, of all queries together, in turns.
    pub per_second: f64,
    /// For how long.
    pub time: Duration,
    /// Clients that make them.
    pub clients: usize,
}

/// What was measured of a query.
#[derive(Clone, Debug)]
pub struct Measured<'m> {
    /// The query.
    pub query: &'m Query,
    /// The times of its requests, from when each was due; sorted.
    pub times: Vec<Duration>,
    /// The time of the first request, before anything is in memory that it needs.
    pub first: Duration,
    /// The most pages that a request touched.
    pub buffers: u64,
    /// The most rows that a request gave.
    pub rows: u64,
    /// What the server said instead.
    pub refused: Option<String>,
}

impl Measured<'_> {
    /// The time in which so many of a hundred requests are done.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let rank = (self.times.len() * usize::from(percent)).div_ceil(100).max(1);
        self.times.get(rank - 1).copied()
    }

    /// Which of its budgets it does not keep, in words.
    pub fn misses(&self) -> Vec<String> {
        let mut all = Vec::new();
        if let Some(within) = self.query.within
            && let Some(time) = self.percentile(within.percentile)
            && time > Duration::from_millis(within.milliseconds)
        {
            all.push(format!(
                "{} of a hundred requests take {:.1} ms, and may take {} ms",
                within.percentile,
                time.as_secs_f64() * 1e3,
                within.milliseconds
            ));
        }
        if let Some(buffers) = self.query.buffers.filter(|buffers| self.buffers > *buffers) {
            all.push(format!("a request touches {} pages, and may touch {buffers}", self.buffers));
        }
        all
    }
}

/// How many different values of a parameter, and how many viewers, take turns.
const VARIETY: usize = 200;

/// Who asks, and for what.
struct Cast {
    viewers: Vec<String>,
    /// SQL of values for each parameter of each query.
    values: Vec<Vec<Vec<String>>>,
}

impl Cast {
    fn of(database: &Database, model: &Model) -> Result<Self, ScratchError> {
        let mut owner = database.connect()?;
        let mut read =
            |entity: specc_model::EntityId, field: specc_model::FieldIx| -> Result<Vec<String>, ScratchError> {
                let entity = model.entity(entity);
                let column = ident(&entity.fields[field].name).into_owned();
                let table = qualified(&entity.name.schema, &entity.name.name);
                // The same ones each time, from all over the table.
                let query = format!(
                    "select v from (select distinct {column}::text as v from {table} where {column} is not null) t \
                 order by md5(v) limit {VARIETY}"
                );
                let rows = owner.query(&query, &[]).map_err(|error| said(&error))?;
                Ok(rows.iter().map(|row| row.get(0)).collect())
            };
        let mut viewers = Vec::new();
        if let Some(id) = model.viewer
            && let Some(field) = model.entity(id).key.as_ref().and_then(|key| key.fields.first())
        {
            viewers = read(id, *field)?;
        }
        let mut values = Vec::new();
        for query in &model.queries {
            let mut all = Vec::new();
            for param in &query.params {
                let texts = match (&param.usual, param.from) {
                    (Some(usual), _) => vec![format!("({})", usual.text)],
                    (None, Some((entity, field))) => {
                        read(entity, field)?.iter().map(|text| literal(text).clone()).collect()
                    }
                    (None, None) => Vec::new(),
                };
                all.push(if texts.is_empty() { vec!["null".to_owned()] } else { texts });
            }
            values.push(all);
        }
        Ok(Self { viewers, values })
    }

    /// What the `nth` request of a query says.
    fn request(&self, asks: &Asks<'_>, query: &Query, at: usize, nth: usize) -> (String, String) {
        let viewer = self.viewers.get((nth * 7) % self.viewers.len().max(1)).cloned();
        let values: Vec<&str> = self.values[at].iter().map(|all| all[nth % all.len()].as_str()).collect();
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let before = format!(
            "begin read only; set local statement_timeout = '30s'; set local search_path = {}; {}",
            asks.path(),
            asks.identity(query, viewer)
        );
        (before, format!("execute specc_{at}{values}"))
    }
}

/// A connection for each role, on which its queries are prepared.
struct Client<'s> {
    asks: &'s Asks<'s>,
    database: &'s Database,
    model: &'s Model,
    roles: BTreeMap<String, Connection>,
}

impl Client<'_> {
    fn of(&mut self, role: &str) -> Result<&mut Connection, String> {
        if !self.roles.contains_key(role) {
            let mut connection = self.database.connect_as(role).map_err(|error| error.to_string())?;
            for (at, query) in self.model.queries.iter().enumerate().filter(|(_, query)| query.role == role) {
                let prepare = format!(
                    "begin; set local search_path = {}; prepare specc_{at}{} as {}; commit",
                    self.asks.path(),
                    self.asks.types(query),
                    query.statement
                );
                // One that the server does not take says so when it is asked.
                if connection.batch_execute(&prepare).is_err() {
                    connection.batch_execute("rollback").map_err(|error| error.to_string())?;
                }
            }
            self.roles.insert(role.to_owned(), connection);
        }
        self.roles.get_mut(role).ok_or_else(|| "no connection".to_owned())
    }

    /// Makes one request and gives how many rows came.
    fn ask(&mut self, role: &str, (before, execute): &(String, String)) -> Result<u64, String> {
        let connection = self.of(role)?;
        let found = connection.simple_query(&format!("{before}; {execute}; rollback"));
        let words = |error: &specc_postgres::postgres::Error| {
            error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
        };
        match found {
            // Settings give rows too, before it.
            Ok(messages) => Ok(messages.iter().fold(0, |rows, message| match message {
                SimpleQueryMessage::RowDescription(_) => 0,
                SimpleQueryMessage::Row(_) => rows + 1,
                _ => rows,
            })),
            Err(error) => {
                let _ = connection.batch_execute("rollback");
                Err(words(&error))
            }
        }
    }

    /// The pages that one request touches.
    fn pages(&mut self, role: &str, (before, execute): &(String, String)) -> Result<u64, String> {
        let connection = self.of(role)?;
        let words = |error: specc_postgres::postgres::Error| error.to_string();
        connection.batch_execute(before).map_err(words)?;
        let found = explained(connection, &format!("explain (analyze, buffers, timing off, format json) {execute}"));
        connection.batch_execute("rollback").map_err(words)?;
        let plan = &found.map_err(words)?[0]["Plan"];
        let count = |name: &str| plan[name].as_u64().unwrap_or(0);
        Ok(count("Shared Hit Blocks") + count("Shared Read Blocks"))
    }
}

/// Runs the queries of a spec over a database that has its rows.
///
/// # Errors
/// Where the server breaks.
pub fn measure<'m>(
    database: &Database,
    model: &'m Model,
    sizes: &Sizes,
    rate: &Rate,
) -> Result<Vec<Measured<'m>>, ScratchError> {
    let cast = Cast::of(database, model)?;
    let asks = Asks { model, sizes };
    let client = || Client { asks: &asks, database, model, roles: BTreeMap::new() };
    let mut first = client();
    let mut all: Vec<Measured<'m>> = Vec::new();
    for (at, query) in model.queries.iter().enumerate() {
        let mut one = Measured { query, times: Vec::new(), first: Duration::ZERO, buffers: 0, rows: 0, refused: None };
        let start = Instant::now();
        let request = cast.request(&asks, query, at, 0);
        match first.ask(&query.role, &request) {
            Ok(rows) => one.rows = rows,
            Err(why) => one.refused = Some(why),
        }
        one.first = start.elapsed();
        for nth in 0..5 {
            let request = cast.request(&asks, query, at, nth * 31);
            one.buffers = one.buffers.max(first.pages(&query.role, &request).unwrap_or(0));
        }
        all.push(one);
    }
    drop(first);
    let asked: Vec<usize> = (0..all.len()).filter(|at| all[*at].refused.is_none()).collect();
    if asked.is_empty() {
        return Ok(all);
    }
    let requests = (rate.per_second * rate.time.as_secs_f64()).ceil() as usize;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::<(usize, Duration, Result<u64, String>)>::new()));
    // Each client is connected before the first request is due.
    let ready = AtomicUsize::new(0);
    let begin = Mutex::new(None::<Instant>);
    thread::scope(|scope| {
        for _ in 0..rate.clients.max(1) {
            scope.spawn(|| {
                let mut client = client();
                for at in &asked {
                    let _ = client.of(&model.queries[*at].role);
                }
                ready.fetch_add(1, Ordering::SeqCst);
                while ready.load(Ordering::SeqCst) < rate.clients.max(1) {
                    thread::sleep(Duration::from_millis(1));
                }
                let start =
                    *begin.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert_with(Instant::now);
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= requests {
                        return;
                    }
                    let at = asked[nth % asked.len()];
                    let request = cast.request(&asks, &model.queries[at], at, nth / asked.len());
                    let due = start + Duration::from_secs_f64(nth as f64 / rate.per_second);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let found = client.ask(&model.queries[at].role, &request);
                    let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    done.push((at, due.elapsed(), found));
                }
            });
        }
    });
    for (at, time, found) in done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        match found {
            Ok(rows) => {
                all[at].times.push(time);
                all[at].rows = all[at].rows.max(rows);
            }
            Err(why) => all[at].refused = Some(why),
        }
    }
    all.iter_mut().for_each(|one| one.times.sort_unstable());
    Ok(all)
}

/// As data.
pub fn as_json(one: &Measured<'_>) -> Value {
    let time = |percent: u8| one.percentile(percent).map(|time| time.as_secs_f64() * 1e3);
    serde_json::json!({
        "name": one.query.name, "role": one.query.role, "requests": one.times.len(), "first_ms": one.first.as_secs_f64() * 1e3,
        "p50_ms": time(50), "p95_ms": time(95), "p99_ms": time(99), "buffers": one.buffers, "rows": one.rows,
        "misses": one.misses(), "refused": one.refused,
    })
}
