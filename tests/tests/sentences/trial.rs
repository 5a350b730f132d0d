//! How a sentence is tried: statements as its role, of which nothing stays.

use specc_docs::{Claim, Rows, Says, Then};
use specc_postgres::{Database, Session, as_user};
use specc_sql::quote::{ident, literal, qualified};
use specc_tests::{Who, texts};
use specc_types::Verb;
use std::collections::HashMap;

/// What came of it.
pub enum Came {
    True,
    /// The rows that are there do not decide it.
    Open,
    False(String),
}

/// The name of a claim's kind.
pub fn kind(claim: &Claim) -> &'static str {
    match &claim.says {
        Says::May { .. } => "may",
        Says::MayNot { .. } => "may not",
        Says::NoTruncate => "no truncate",
        Says::Calls { .. } => "calls",
        Says::Required { .. } => "required",
        Says::Immutable { .. } => "immutable",
        Says::Counted { .. } => "counted",
        Says::Starts { .. } => "starts",
        Says::Ends { .. } => "ends",
        Says::Goes { .. } => "goes",
        Says::DeleteHides => "delete hides",
        Says::HidesDeleted => "hides deleted",
        Says::Shows { .. } => "shows",
        Says::Indexed { .. } => "indexed",
    }
}

/// The opposite of a claim, where there is one.
pub fn turned(claim: &Claim) -> Option<Claim> {
    let says = match &claim.says {
        Says::May { verb, columns, .. } => Says::MayNot { verb: *verb, columns: columns.clone() },
        Says::MayNot { verb, columns } => {
            Says::May { verb: *verb, columns: columns.clone(), listed: true, rows: Rows::ByRule }
        }
        Says::Goes { constraint, columns, target, target_columns, then } => Says::Goes {
            constraint: constraint.clone(),
            columns: columns.clone(),
            target: target.clone(),
            target_columns: target_columns.clone(),
            then: if *then == Then::Cascades { Then::RefusedAtOnce } else { Then::Cascades },
        },
        Says::Calls { signature, may } => Says::Calls { signature: signature.clone(), may: !may },
        Says::Counted { column } => Says::Immutable { column: column.clone(), is_first: true },
        Says::Required { column } => Says::Counted { column: column.clone() },
        Says::Shows { column, ty, .. } => {
            let other = specc_catalog::DataType::builtin("point");
            Says::Shows { column: column.clone(), ty: ty.as_ref().map(|_| other), nullable: true }
        }
        Says::Indexed { name, .. } => Says::Indexed { name: format!("{name}_x").into(), columns: Vec::new() },
        Says::DeleteHides => Says::Required { column: "deleted_by".into() },
        _ => return None,
    };
    Some(Claim { says, ..claim.clone() })
}

/// A loaded database on which sentences are tried.
pub struct Trials {
    owner: Session,
    admin: Session,
    columns: HashMap<String, Vec<Column>>,
}

/// A column of a table, as the server has it.
#[derive(Clone)]
struct Column {
    name: String,
    ty: String,
    /// Nobody gives it a value.
    computed: bool,
}

impl Trials {
    pub fn new(db: &Database) -> Self {
        let (owner, admin) = (db.connect().unwrap(), db.connect_superuser().unwrap());
        Self { owner, admin, columns: HashMap::new() }
    }

    fn columns(&mut self, table: &str) -> Vec<Column> {
        if let Some(known) = self.columns.get(table) {
            return known.clone();
        }
        let query = "select a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '' or a.attidentity = 'a'
             from pg_attribute a where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum";
        let rows = self.admin.query(query, &[&table]).unwrap();
        let found: Vec<Column> =
            rows.iter().map(|row| Column { name: row.get(0), ty: row.get(1), computed: row.get(2) }).collect();
        self.columns.insert(table.to_owned(), found.clone());
        found
    }

    /// What a role gets for statements: see [`Who::tries`].
    fn runs(&mut self, role: &str, statements: &[String]) -> Vec<String> {
        who(role).tries(&mut self.owner, statements)
    }

    /// `done`, or code and message.
    fn told(&mut self, role: &str, statement: String) -> String {
        who(role).is_told(&mut self.owner, &[statement]).remove(0)
    }

    fn one(&mut self, query: &str) -> String {
        texts(&mut self.admin, query).into_iter().next().unwrap_or_default()
    }

    pub fn of(&mut self, claim: &Claim) -> Came {
        let table = qualified(&claim.on.schema, &claim.on.name);
        let role = claim.role.as_str();
        match &claim.says {
            Says::May { verb, columns, rows, .. } => {
                let columns: Vec<&str> = columns.iter().map(|c| c.as_str()).collect();
                let got = self.right(role, &table, *verb, &columns);
                if refused(&got) {
                    return Came::False(got);
                }
                match rows {
                    Rows::Every if *verb == Verb::Read => {
                        let all = self.one(&format!("select count(*) from {table}"));
                        came(got == all, || format!("{got} rows of {all}"))
                    }
                    Rows::None => came(got == "0", || format!("{got} rows")),
                    _ => Came::True,
                }
            }
            Says::MayNot { verb, columns } if columns.is_empty() => {
                let got = self.right(role, &table, *verb, &[]);
                came(got == "42501", || got)
            }
            Says::MayNot { verb, columns } => {
                let got: Vec<String> = columns.iter().map(|c| self.right(role, &table, *verb, &[c])).collect();
                came(got.iter().all(|got| got == "42501"), || format!("{got:?}"))
            }
            Says::NoTruncate => {
                let got = self.told(role, format!("truncate {table} cascade"));
                came(got.starts_with("42501"), || got)
            }
            Says::Calls { signature, may } => {
                let function = format!("{table}({signature})");
                let asked =
                    format!("select has_function_privilege({}, {}, 'execute')", literal(role), literal(&function));
                let got = self.one(&asked);
                came((got == "t") == *may, || got)
            }
            Says::Required { column } => self.required(role, &table, column),
            Says::Immutable { column, is_first } => self.changed(role, &table, column, "cannot be changed", *is_first),
            Says::Counted { column } => self.changed(role, &table, column, column, true),
            Says::Starts { column, others, .. } => {
                let copies: Vec<String> =
                    others.iter().filter_map(|state| self.copy(&table, column, &literal(state))).collect();
                let got = self.runs(role, &copies);
                decided(&got, "23514")
            }
            Says::Ends { column, state, others } => {
                let others: Vec<&str> = others.iter().map(|other| other.as_str()).collect();
                self.ends(role, &table, column, state, &others)
            }
            Says::Goes { .. } => self.goes(claim, &table),
            Says::DeleteHides => self.hides(role, &table),
            Says::HidesDeleted => self.hidden(role, &table),
            Says::Shows { column, ty, nullable } => {
                let found = self.columns(&table).into_iter().find(|found| found.name == *column);
                let Some(found) = found else { return Came::False("no such column".into()) };
                if let Some(ty) = ty {
                    let mut said = String::new();
                    specc_sql::push_type(&mut said, ty);
                    let same =
                        self.one(&format!("select {}::regtype = {}::regtype", literal(&said), literal(&found.ty)));
                    if same != "t" {
                        return Came::False(format!("its type is {}", found.ty));
                    }
                }
                if *nullable {
                    return Came::True;
                }
                let nulls = self.runs(role, &[format!("select count(*) from {table} where {} is null", ident(column))]);
                came(nulls[0] == "0", || format!("{nulls:?} nulls"))
            }
            Says::Indexed { name, columns } => {
                let query = format!(
                    "select array_to_string(array(select coalesce(a.attname, '') from unnest(i.indkey::int2[]) with ordinality k (n, o)
                       left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n where k.o <= i.indnkeyatts order by k.o), ',')
                     from pg_index i join pg_class c on c.oid = i.indexrelid
                     where i.indrelid = {}::regclass and c.relname = {} and i.indisvalid",
                    literal(&table),
                    literal(name)
                );
                let found = texts(&mut self.admin, &query);
                let Some(found) = found.first() else { return Came::False("no such index".into()) };
                let columns: Vec<&str> = columns.iter().map(|c| c.as_str()).collect();
                came(columns.is_empty() || columns.join(",") == *found, || found.clone())
            }
        }
    }

    /// What comes of a statement for which only rights count: it touches no row.
    fn right(&mut self, role: &str, table: &str, verb: Verb, columns: &[&str]) -> String {
        let all = self.columns(table);
        let usable: Vec<&str> = all.iter().filter(|c| !c.computed).map(|c| c.name.as_str()).collect();
        let list = |columns: &[&str]| columns.iter().map(|c| ident(c).into_owned()).collect::<Vec<_>>().join(", ");
        let statement = match verb {
            Verb::Read if columns.is_empty() => format!("select count(*) from {table}"),
            Verb::Read => format!("select count(*) from (select {} from {table}) x", list(columns)),
            Verb::Insert => {
                let columns = if columns.is_empty() { &usable[..1] } else { columns };
                let nulls = vec!["null"; columns.len()].join(", ");
                format!("insert into {table} ({}) select {nulls} where false", list(columns))
            }
            Verb::Update => {
                let columns = if columns.is_empty() { &usable[..1] } else { columns };
                let set: Vec<String> = columns.iter().map(|c| format!("{} = default", ident(c))).collect();
                format!("update {table} set {} where false", set.join(", "))
            }
            Verb::Delete => format!("delete from {table} where false"),
        };
        self.runs(role, &[statement]).remove(0)
    }

    /// A copy of the first row with another value in one column.
    fn copy(&mut self, table: &str, column: &str, value: &str) -> Option<String> {
        let columns: Vec<Column> = self.columns(table).into_iter().filter(|column| !column.computed).collect();
        if self.one(&format!("select count(*) from {table}")) == "0" {
            return None;
        }
        let names: Vec<String> = columns.iter().map(|column| ident(&column.name).into_owned()).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|found| if found.name == column { value.to_owned() } else { ident(&found.name).into_owned() })
            .collect();
        let (names, values) = (names.join(", "), values.join(", "));
        Some(format!("insert into {table} ({names}) select {values} from (select * from {table} limit 1) x"))
    }

    fn required(&mut self, role: &str, table: &str, column: &str) -> Came {
        let Some(copy) = self.copy(table, column, "null") else { return Came::Open };
        let got = self.told(role, copy);
        match got.split(' ').next().unwrap_or_default() {
            "23502" if got.contains(&format!("\"{column}\"")) || got.contains("domain") => Came::True,
            "done" => Came::False("a row without it is taken".into()),
            // Something else refuses the copy before.
            _ => Came::Open,
        }
    }

    /// A change of a column by hand is refused, with a message that names what.
    fn changed(&mut self, role: &str, table: &str, column: &str, says: &str, is_first: bool) -> Came {
        let ty = self.columns(table).into_iter().find(|c| c.name == column).map(|c| c.ty).unwrap_or_default();
        let name = ident(column).into_owned();
        let other = match ty.split('(').next().unwrap_or_default() {
            "uuid" => "gen_random_uuid()".to_owned(),
            "text" | "character varying" => format!("{name} || 'x'"),
            "integer" | "bigint" | "smallint" | "numeric" => format!("{name} + 1"),
            "date" => format!("{name} + 1"),
            "boolean" => format!("not {name}"),
            ty if ty.starts_with("timestamp") => format!("{name} + interval '1 day'"),
            _ => return Came::Open,
        };
        if self.one(&format!("select count(*) from {table} where {name} is not null")) == "0" {
            return Came::Open;
        }
        let row = format!("select ctid from {table} where {name} is not null limit 1");
        let got = self.told(role, format!("update {table} set {name} = {other} where ctid = ({row})"));
        match got.as_str() {
            "done" => Came::False("it is changed".into()),
            _ if !is_first => Came::True,
            got if got.starts_with("23514") && got.contains(says) => Came::True,
            got => Came::False(got.to_owned()),
        }
    }

    /// A row that is in a last state, wherever it came from, is changed to each other one.
    fn ends(&mut self, role: &str, table: &str, column: &str, state: &str, others: &[&str]) -> Came {
        let row = self.one(&format!("select ctid from {table} limit 1"));
        let (name, claims) = (ident(column), who(role).claims());
        let mut tx = self.admin.transaction().unwrap();
        tx.batch_execute("set local session_replication_role = replica").unwrap();
        let put = format!("update {table} set {name} = {} where ctid = '{row}' returning ctid::text", literal(state));
        let Ok(Some(moved)) = tx.query_opt(&put, &[]) else { return Came::Open };
        let row: String = moved.get(0);
        let become_role = format!(
            "set local session_replication_role = origin; set local role {}; select set_config('request.jwt.claims', {}, true)",
            ident(role),
            literal(&claims)
        );
        tx.batch_execute(&become_role).unwrap();
        let mut got = Vec::new();
        for other in others {
            let mut at = tx.savepoint("one").unwrap();
            let done = at.execute(&format!("update {table} set {name} = {} where ctid = '{row}'", literal(other)), &[]);
            got.push(match done {
                Ok(rows) => rows.to_string(),
                Err(error) => error.as_db_error().expect("an error of the server").code().code().to_owned(),
            });
        }
        decided(&got, "23514")
    }

    /// A row that is referred to is deleted for good.
    fn goes(&mut self, claim: &Claim, table: &str) -> Came {
        let Says::Goes { constraint, columns, target, target_columns, then } = &claim.says else { return Came::Open };
        let target = qualified(&target.schema, &target.name);
        let on: Vec<String> =
            columns.iter().zip(target_columns).map(|(a, b)| format!("r.{} = t.{}", ident(a), ident(b))).collect();
        let on = on.join(" and ");
        let referred = format!(
            "select t.ctid from {target} t where exists (select from {table} r where {on} and r.ctid is not null)"
        );
        let rows = texts(&mut self.admin, &format!("{referred} limit 20"));
        let cleared = if let Then::BecomesNull(cleared) = then { cleared } else { columns };
        let nulls: Vec<String> = cleared.iter().map(|column| format!("r.{} is null", ident(column))).collect();
        let mut transaction = self.admin.transaction().unwrap();
        // The rules of soft deletion are tried by themselves.
        transaction.batch_execute("set local specc.hard_delete = 'on'").unwrap();
        for row in rows {
            let mut at = transaction.savepoint("one").unwrap();
            let before: i64 = at
                .query_one(
                    &format!("select count(*) from {table} r join {target} t on {on} where t.ctid = '{row}'"),
                    &[],
                )
                .unwrap()
                .get(0);
            let all = |at: &mut postgres::Transaction<'_>, filter: &str| -> i64 {
                at.query_one(&format!("select count(*) from {table} r where {filter}"), &[]).unwrap().get(0)
            };
            let (rows_before, nulls_before) = (all(&mut at, "true"), all(&mut at, &nulls.join(" and ")));
            let done = at
                .batch_execute(&format!("delete from {target} where ctid = '{row}'"))
                .and_then(|()| at.batch_execute("set constraints all immediate"));
            let outcome = match done {
                Err(error) => {
                    let error = error.as_db_error().expect("an error of the server");
                    let code = error.code().code().to_owned();
                    let is_it = error.constraint() == Some(constraint.as_str());
                    match (then, code.as_str()) {
                        (Then::RefusedAtEnd { .. }, "23503") | (Then::RefusedAtOnce, "23503" | "23001") if is_it => {
                            Some(Came::True)
                        }
                        // Another reference, or a trigger, refuses it before.
                        (_, _) if !is_it => None,
                        _ => Some(Came::False(format!("{code} {}", error.message()))),
                    }
                }
                Ok(()) => {
                    let (rows, nulls) = (all(&mut at, "true"), all(&mut at, &nulls.join(" and ")));
                    Some(match then {
                        Then::RefusedAtEnd { .. } if before > 0 && rows <= rows_before - before => continue,
                        Then::RefusedAtEnd { .. } | Then::RefusedAtOnce => Came::False("the row is deleted".into()),
                        Then::Cascades => came(rows <= rows_before - before, || format!("{rows} of {rows_before}")),
                        Then::BecomesNull(_) => {
                            came(nulls >= nulls_before + before || rows < rows_before, || format!("{nulls}"))
                        }
                        Then::BecomesDefault(_) => Came::Open,
                    })
                }
            };
            drop(at);
            if let Some(came) = outcome {
                return came;
            }
        }
        Came::Open
    }

    /// A delete of a role that row level security does not bind marks the row.
    fn hides(&mut self, role: &str, table: &str) -> Came {
        let live = self.one(&format!("select count(*) from {table} where deleted_at is null"));
        if live == "0" {
            return Came::Open;
        }
        let said = as_user(&mut self.owner, role, r#"{"role":"service_role"}"#, |tx| {
            let deleted = tx.execute(
                &format!(
                    "delete from {table} where ctid = (select ctid from {table} where deleted_at is null limit 1)"
                ),
                &[],
            )?;
            let left: i64 =
                tx.query_one(&format!("select count(*) from {table} where deleted_at is null"), &[])?.get(0);
            Ok((deleted, left))
        });
        match said {
            Ok((deleted, left)) => came(deleted == 0 && (left + 1).to_string() == live, || {
                format!("{deleted} deleted, {left} of {live} left")
            }),
            Err(error) => Came::False(error.to_string()),
        }
    }

    /// A role sees no row once all are marked.
    fn hidden(&mut self, role: &str, table: &str) -> Came {
        let mut transaction = self.admin.transaction().unwrap();
        transaction.batch_execute("set local session_replication_role = replica").unwrap();
        let marked = transaction.execute(&format!("update {table} set deleted_at = now()"), &[]).unwrap();
        if marked == 0 {
            return Came::Open;
        }
        let claims = who(role).claims();
        transaction
            .batch_execute(&format!(
                "set local role {}; select set_config('request.jwt.claims', {}, true)",
                ident(role),
                literal(&claims)
            ))
            .unwrap();
        let seen: Result<i64, _> = transaction
            .query_one(&format!("select count(*) from {table} where deleted_at is not null"), &[])
            .map(|row| row.get(0));
        match seen {
            Ok(seen) => came(seen == 0, || format!("it sees {seen}")),
            Err(error) => Came::False(error.to_string()),
        }
    }
}

/// Somebody with a role, whom no row belongs to.
fn who(role: &str) -> Who {
    match role {
        "anon" => Who::Anon,
        "service_role" => Who::Service,
        "authenticated" => Who::User("nobody"),
        other => Who::Role(Box::leak(other.to_owned().into_boxed_str()), "nobody"),
    }
}

fn refused(got: &str) -> bool {
    got.len() == 5 && got.parse::<u32>().map_or(true, |code| code >= 10_000)
}

fn came(is: bool, what: impl FnOnce() -> String) -> Came {
    if is { Came::True } else { Came::False(what()) }
}

/// Of statements that are all refused with this code, as far as they touch a row.
fn decided(got: &[String], code: &str) -> Came {
    match got.iter().find(|got| *got != code && *got != "0") {
        // Something else refuses it before.
        Some(other) if refused(other) => Came::Open,
        Some(other) => Came::False(other.clone()),
        None if got.iter().any(|got| got == code) => Came::True,
        None => Came::Open,
    }
}
