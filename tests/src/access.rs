//! Who may do what: tables of statements and of what each person gets for them.

use specc_postgres::platform::{ANON, AUTHENTICATED, SERVICE_ROLE, claims_with};
use specc_postgres::{Session, as_user, postgres};
use std::fmt::Write;

/// Functions that run a statement as whoever calls them, say what came of it, and undo it.
pub const PROBES: &str = r#"
create schema probe;
create function probe.run(statement text) returns text language plpgsql as $probe$
declare
  outcome text;
  touched bigint;
begin
  begin
    if statement ~* '^\s*select' then
      execute 'select string_agg(x.v::text, '' '' order by x.v::text collate "C") from (' || statement || ') x (v)' into outcome;
      outcome := coalesce(outcome, '-');
    else
      execute statement;
      get diagnostics touched = row_count;
      set constraints all immediate;
      outcome := touched;
    end if;
    raise exception using errcode = 'ZZ001', message = outcome;
  exception
    when sqlstate 'ZZ001' then return sqlerrm;
    -- 18 has a code of its own for `on delete restrict`
    when restrict_violation then return '23503';
    when others then return sqlstate;
  end;
end
$probe$;
create function probe.said(statement text) returns text language plpgsql as $probe$
begin
  begin
    execute statement;
    set constraints all immediate;
    raise exception using errcode = 'ZZ001';
  exception
    when sqlstate 'ZZ001' then return 'done';
    when others then return sqlstate || ' ' || sqlerrm;
  end;
end
$probe$;
grant usage on schema probe to public;
"#;

/// Somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    Anon,
    /// A signed-in user, by the name that [`sql`] makes a key of.
    User(&'static str),
    /// A signed-in user with this `app_metadata`.
    Claims(&'static str, &'static str),
    /// A role of the spec's own, for the user of this name.
    Role(&'static str, &'static str),
    /// The service, which row security does not bind.
    Service,
}

impl Who {
    /// The role that the API takes.
    pub fn role(self) -> &'static str {
        match self {
            Self::Anon => ANON,
            Self::User(_) | Self::Claims(..) => AUTHENTICATED,
            Self::Role(role, _) => role,
            Self::Service => SERVICE_ROLE,
        }
    }

    /// The claims of the token.
    pub fn claims(self) -> String {
        match self {
            Self::Anon => String::new(),
            Self::User(name) | Self::Role(_, name) => with_email(name, "{}"),
            Self::Claims(name, metadata) => with_email(name, metadata),
            Self::Service => r#"{"role":"service_role"}"#.to_owned(),
        }
    }

    /// What this person gets for each statement: the values of a query's one column in order, apart by spaces and `-` for
    /// none; the number of rows that another statement touches; or the code of the error. Nothing stays.
    pub fn tries(self, session: &mut Session, statements: &[String]) -> Vec<String> {
        self.asks(session, "run", statements)
    }

    /// What this person is told for each statement: `done`, or code and message of the error. Nothing stays.
    pub fn is_told(self, session: &mut Session, statements: &[String]) -> Vec<String> {
        self.asks(session, "said", statements)
    }

    fn asks(self, session: &mut Session, probe: &str, statements: &[String]) -> Vec<String> {
        let query = format!(
            "select array_agg(probe.{probe}(z.s) order by z.o) from unnest($1::text[]) with ordinality z (s, o)"
        );
        as_user(session, self.role(), &self.claims(), |tx| Ok(tx.query_one(&query, &[&statements])?.get(0)))
            .unwrap_or_else(|error: postgres::Error| panic!("{self:?}: {error:?}"))
    }
}

/// The claims of the account that has this name for an address, as the platform writes them.
fn with_email(name: &str, metadata: &str) -> String {
    claims_with(&key(name), metadata).replacen('{', &format!(r#"{{"email":"{name}@example.com","#), 1)
}

/// Statements, and for each what everybody gets for it, in the order of `people`. `=` is what the one before got.
///
/// # Panics
/// When anybody gets something else; the message has every such cell.
pub fn matrix<const N: usize>(session: &mut Session, people: [Who; N], cases: &[(&str, [&str; N])]) {
    let statements: Vec<_> = cases.iter().map(|(statement, _)| sql(statement)).collect();
    let mut wrong = String::new();
    for (at, who) in people.into_iter().enumerate() {
        let got = who.tries(session, &statements);
        for ((statement, wanted), got) in cases.iter().zip(got) {
            let wanted = wanted[..=at].iter().rev().find(|w| **w != "=").expect("the first is no `=`");
            if got != *wanted {
                let _ = writeln!(wrong, "{who:?} gets {got}, not {wanted}: {statement}");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Replaces `{name}` by a key that is made of the name, as a literal. Nothing else in braces is touched.
pub fn sql(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        let name = rest.split('}').next().unwrap_or_default();
        let is_name =
            !name.is_empty() && name.len() < rest.len() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_name {
            let _ = write!(out, "'{}'", key(name));
            rest = &rest[name.len() + 1..];
        } else {
            out.push('{');
        }
    }
    out.push_str(rest);
    out
}

/// The key of a name.
pub fn key(name: &str) -> String {
    // FNV-1a, to 128 bits; a UUID of version 8, which is for whoever makes their own.
    let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    let hex = format!("{hash:032x}");
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
