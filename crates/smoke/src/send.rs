//! Requests on a database: each in a transaction as PostgREST makes it, which is undone.

#![allow(clippy::disallowed_methods, reason = "how long a request takes is what is asked")]

use crate::request::{Gives, Method, Param, Request};
use rustc_hash::FxHashMap;
use specc_postgres::Session;
use specc_postgres::postgres::types::{Format, IsNull, ToSql, Type, private::BytesMut};
use specc_postgres::postgres::{self, Statement};
use specc_sql::quote;
use specc_trial::Got;
use std::time::Instant;

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// As the API would answer.
    pub status: u16,
    /// How many rows were read or written, or what Postgres said.
    pub got: Got,
    /// How many rows there are in all, where that was asked.
    pub total: Option<u64>,
    /// How long it took.
    pub micros: u64,
    /// A value of the body is none of its column's type, or its domain does not take it.
    pub of_body: bool,
    /// The rows that came, as JSON.
    pub body: String,
}

/// What the statement around gives.
struct Answered {
    rows: u64,
    total: Option<u64>,
    /// The status that the database itself asks for.
    status: Option<u16>,
    body: String,
}

/// Where requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In a transaction that is open: rows of a case are there.
    Open,
    /// In a transaction of its own.
    Own,
    /// In a transaction of its own, of which what is written stays, as with a real API.
    Kept,
}

/// Makes requests on a connection, and keeps what was prepared.
#[derive(Default)]
pub struct Courier {
    /// The role of who has not signed in.
    pub anon: String,
    /// Where names are looked for besides the schema of the request.
    pub search: Vec<String>,
    prepared: FxHashMap<(String, String), Statement>,
    /// Settings that go with a role.
    roles: FxHashMap<String, Vec<(String, String)>>,
}

/// A value as text, whatever the type is that the server takes it for.
#[derive(Debug)]
struct Text<'p>(&'p str);

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    postgres::types::to_sql_checked!();
}

impl Courier {
    /// For who has not signed in as `anon`, with names that are looked for in these schemas too.
    pub fn new(anon: &str, search: &[String]) -> Self {
        Self { anon: anon.to_owned(), search: search.to_vec(), ..Self::default() }
    }

    /// What comes of a request. Nothing of it stays.
    ///
    /// # Errors
    /// Where the connection breaks, or nothing can be undone.
    pub fn send(&mut self, session: &mut Session, request: &Request, within: Within) -> Result<Reply, postgres::Error> {
        self.settings_of(session, &request.role, within)?;
        let mode = if request.writes { "read write" } else { "read only" };
        match within {
            Within::Own | Within::Kept => {
                session.batch_execute(&format!("begin isolation level read committed {mode}"))?;
            }
            Within::Open => session.batch_execute("savepoint specc_request")?,
        }
        if within == Within::Open && !request.writes {
            session.batch_execute("set transaction read only")?;
        }
        let start = Instant::now();
        let answered = self.answered(session, request);
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        session.batch_execute(match within {
            Within::Kept if answered.is_ok() => "commit",
            Within::Own | Within::Kept => "rollback",
            Within::Open => "rollback to savepoint specc_request; release savepoint specc_request",
        })?;
        Ok(match answered {
            Ok(Answered { rows, total, status: said, body }) => {
                let status = said.unwrap_or_else(|| success(request, rows, total));
                Reply { status, got: Got::Rows(rows), total, micros, of_body: false, body }
            }
            Err(error) => {
                let Some(db) = error.as_db_error() else { return Err(error) };
                let code = db.code().code();
                let of_body = request.body.is_some() && db.datatype().is_some();
                let by = match code {
                    "23502" => db.column(),
                    _ => db.constraint().or(db.column()),
                };
                let by = by.filter(|by| !by.is_empty()).unwrap_or("-").replace(' ', "_");
                let status = refused(code, request.role == self.anon);
                let got = Got::Error(code.to_owned(), by, db.message().to_owned());
                Reply { status, got, total: None, micros, of_body, body: String::new() }
            }
        })
    }

    fn answered(&mut self, session: &mut Session, request: &Request) -> Result<Answered, postgres::Error> {
        let mut names: Vec<&str> = Vec::new();
        let mut values: Vec<String> = Vec::new();
        let mut set = |name, value: String| {
            names.push(name);
            values.push(value);
        };
        let mut search = vec![request.schema.as_str()];
        search.extend(self.search.iter().map(String::as_str).filter(|name| *name != request.schema));
        let search: Vec<_> = search.into_iter().map(quoted).collect();
        set("search_path", search.join(", "));
        for pair in request.settings.chunks_exact(2) {
            set(&pair[0], pair[1].clone());
        }
        set("request.method", request.method.word().to_owned());
        set("request.path", request.path.clone());
        set("request.headers", request.headers().to_string());
        set("request.cookies", "{}".to_owned());
        for (name, value) in self.roles.get(&request.role).into_iter().flatten() {
            set(name, value.clone());
        }
        set("role", request.role.clone());
        session.query(
            "select pg_catalog.set_config(name, value, true) from unnest($1::text[], $2::text[]) as settings (name, value)",
            &[&names, &values],
        )?;
        let key = (request.role.clone(), request.prepared.sql.clone());
        let statement = match self.prepared.get(&key) {
            Some(statement) => statement.clone(),
            None => {
                let types: Vec<Type> = request
                    .prepared
                    .params
                    .iter()
                    .map(|param| match param {
                        Param::Text(_) => Type::UNKNOWN,
                        Param::Json(_) => Type::JSON,
                    })
                    .collect();
                let statement = session.prepare_typed(&request.prepared.sql, &types)?;
                self.prepared.insert(key, statement.clone());
                statement
            }
        };
        let params: Vec<Text<'_>> = request
            .prepared
            .params
            .iter()
            .map(|param| match param {
                Param::Text(text) | Param::Json(text) => Text(text),
            })
            .collect();
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        let row = session.query_one(&statement, &params)?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let total: Option<i64> = row.try_get("in_all")?;
        let rows: i64 = row.try_get("rows")?;
        let status: Option<String> = row.try_get("status")?;
        Ok(Answered {
            rows: count(rows),
            total: total.map(count),
            status: status.and_then(|status| status.parse().ok()),
            body: row.try_get("body")?,
        })
    }

    /// The settings that a role brings along, of those that anybody may set.
    fn settings_of(&mut self, session: &mut Session, role: &str, within: Within) -> Result<(), postgres::Error> {
        if self.roles.contains_key(role) {
            return Ok(());
        }
        if within == Within::Open {
            session.batch_execute("savepoint specc_request")?;
        }
        let rows = session.query(
            "select split_part(own, '=', 1), substr(own, strpos(own, '=') + 1)
             from pg_catalog.pg_roles, unnest(rolconfig) as own
             join pg_catalog.pg_settings on name = split_part(own, '=', 1) and context = 'user'
             where rolname = $1 order by 1",
            &[&role],
        )?;
        self.roles.insert(role.to_owned(), rows.iter().map(|row| (row.get(0), row.get(1))).collect());
        if within == Within::Open {
            session.batch_execute("release savepoint specc_request")?;
        }
        Ok(())
    }
}

/// A name as a list of schemas has it, quoted whatever it is.
fn quoted(name: &str) -> String {
    let text = quote::ident(name);
    if text.starts_with('"') { text.into_owned() } else { format!("\"{text}\"") }
}

/// The status of what was done.
pub(crate) fn success(request: &Request, rows: u64, total: Option<u64>) -> u16 {
    match (request.method, request.gives) {
        (_, Gives::Void) => 204,
        (Method::Post, _) if !request.path.starts_with("/rpc/") => 201,
        (Method::Patch | Method::Delete, Gives::Nothing) => 204,
        (Method::Get, _) => {
            let offset = request.page.map_or(0, |page| page.offset);
            match total {
                Some(total) if offset > total => 416,
                Some(total) if rows < total => 206,
                _ => 200,
            }
        }
        _ => 200,
    }
}

/// The status of what Postgres refused.
pub fn refused(code: &str, is_anon: bool) -> u16 {
    // A function may name the status itself.
    let own = code.strip_prefix("PT").and_then(|status| status.parse().ok());
    own.unwrap_or_else(|| specc_types::status(code, if is_anon { "401" } else { "403" }).parse().unwrap_or(500))
}
