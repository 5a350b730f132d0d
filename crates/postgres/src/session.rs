//! Connections that keep what the server said, and the platform's way to act as a user.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use postgres::error::ErrorPosition;
use postgres::tls::{MakeTlsConnect, TlsConnect};
use postgres::{Client, Config, NoTls, Socket, Transaction};

use crate::error::{Error, LoadError};

/// Something the server said that is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `WARNING`, `NOTICE`, `INFO`, `LOG` or `DEBUG`.
    pub severity: String,
    /// The five characters of the SQLSTATE.
    pub sqlstate: String,
    /// The message.
    pub message: String,
    /// The detail, where there is one.
    pub detail: Option<String>,
    /// The hint, where there is one.
    pub hint: Option<String>,
}

impl Notice {
    /// Whether this is a warning, not merely a notice.
    pub fn is_warning(&self) -> bool {
        self.severity == "WARNING"
    }
}

/// A connection that collects notices. It is a [`Client`] in every other way.
pub struct Session {
    client: Client,
    notices: Arc<Mutex<Vec<Notice>>>,
}

impl Session {
    /// Connects without encryption, as fits a Unix socket.
    pub fn connect(config: &Config) -> Result<Self, Error> {
        Self::connect_with(config, NoTls)
    }

    /// Connects with what makes the connection private.
    pub(crate) fn connect_with<T>(config: &Config, tls: T) -> Result<Self, Error>
    where
        T: MakeTlsConnect<Socket> + 'static + Send,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        let mut config = config.clone();
        config.notice_callback(move |error| {
            let notice = Notice {
                severity: error.severity().to_owned(),
                sqlstate: error.code().code().to_owned(),
                message: error.message().to_owned(),
                detail: error.detail().map(str::to_owned),
                hint: error.hint().map(str::to_owned),
            };
            sink.lock().unwrap_or_else(|poison| poison.into_inner()).push(notice);
        });
        let client = config.connect(tls)?;
        Ok(Self { client, notices })
    }

    /// Takes the notices that came since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(|poison| poison.into_inner()))
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

/// Runs a file of SQL in one batch, so in one transaction unless it opens its own, and returns what
/// the server said meanwhile.
pub fn load_sql(session: &mut Session, text: &str) -> Result<Vec<Notice>, Error> {
    session.take_notices();
    match session.batch_execute(text) {
        Ok(()) => Ok(session.take_notices()),
        Err(error) => Err(load_error(error, text)),
    }
}

fn load_error(error: postgres::Error, text: &str) -> Error {
    let Some(db) = error.as_db_error() else {
        return Error::Database(error);
    };
    let line = match db.position() {
        Some(ErrorPosition::Original(position)) => {
            let before = text.chars().take((*position as usize).saturating_sub(1));
            let line = before.filter(|&c| c == '\n').count();
            text.lines().nth(line).map(|text| (line + 1, text.to_owned()))
        }
        _ => None,
    };
    let notes = [("detail", db.detail()), ("hint", db.hint()), ("context", db.where_())]
        .into_iter()
        .filter_map(|(name, note)| Some(format!("{name}: {}", note?)))
        .collect();
    Error::Load(Box::new(LoadError {
        message: db.message().to_owned(),
        sqlstate: db.code().code().to_owned(),
        notes,
        line,
    }))
}

/// Does something as a user of the platform, in a transaction that is rolled back: takes the role
/// and the claims as the platform's API does for a request. `claims` is a JSON object, see
/// [`platform::claims`](crate::platform::claims); empty for no claims at all.
pub fn as_user<T>(
    client: &mut Client,
    role: &str,
    claims: &str,
    act: impl FnOnce(&mut Transaction<'_>) -> Result<T, postgres::Error>,
) -> Result<T, postgres::Error> {
    let mut transaction = begin_as(client, role, claims)?;
    let result = act(&mut transaction);
    transaction.rollback()?;
    result
}

/// Like [`as_user`], and commits when the closure returns `Ok`.
pub fn as_user_commit<T>(
    client: &mut Client,
    role: &str,
    claims: &str,
    act: impl FnOnce(&mut Transaction<'_>) -> Result<T, postgres::Error>,
) -> Result<T, postgres::Error> {
    let mut transaction = begin_as(client, role, claims)?;
    let value = act(&mut transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn begin_as<'c>(client: &'c mut Client, role: &str, claims: &str) -> Result<Transaction<'c>, postgres::Error> {
    let mut transaction = client.transaction()?;
    transaction.batch_execute(&format!(
        "set local role {}; select set_config('request.jwt.claims', {}, true)",
        quote_ident(role),
        quote_literal(claims),
    ))?;
    Ok(transaction)
}

pub(crate) fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
