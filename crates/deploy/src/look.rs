//! What is asked of a database before anything is changed. Nothing is written, and nothing is waited for: the session has to
//! be one that reads only, with timeouts.

use crate::Looked;
use specc_postgres::{Session, postgres};
use std::collections::{BTreeMap, BTreeSet};

/// What a look needs that no query says.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Extensions that the spec asks for.
    pub extensions: Vec<String>,
    /// Roles that the spec makes or gives something to.
    pub roles: Vec<String>,
    /// Tables, `schema.name`, that the files lock such that somebody else waits.
    pub locks: BTreeMap<String, String>,
    /// Tables whose rows are written anew, or that get an index.
    pub rewrites: BTreeSet<String>,
    /// How many bytes the disk has, if anybody said so.
    pub disk: Option<u64>,
    /// Whether the database is on another machine.
    pub remote: bool,
    /// Statements of the files that only read, with the file: they refuse rows that do not fit.
    pub reads: Vec<(String, String)>,
}

/// Makes a session one that waits for nobody for long.
///
/// # Errors
/// Where the server refuses.
pub fn wait_briefly(session: &mut Session) -> Result<(), postgres::Error> {
    session.batch_execute("set lock_timeout to '2s'; set statement_timeout to '60s'")
}

/// Makes a session one that only looks.
///
/// # Errors
/// Where the server refuses.
pub fn only_look(session: &mut Session) -> Result<(), postgres::Error> {
    session.batch_execute("set default_transaction_read_only to on; set search_path to pg_catalog")?;
    wait_briefly(session)
}

/// All of it. A question that the server refuses is one that could not be asked.
pub fn all(session: &mut Session, subject: &Subject) -> Vec<Looked> {
    type Ask = fn(&mut Session, &Subject) -> Result<Looked, postgres::Error>;
    let asks: [(&str, Ask); 9] = [
        ("server", server),
        ("encryption", encryption),
        ("extensions", extensions),
        ("rights", rights),
        ("members", members),
        ("space", space),
        ("locks", locks),
        ("sessions", sessions),
        ("rows", rows),
    ];
    let one = |(name, ask): (&str, Ask)| ask(session, subject).unwrap_or_else(|error| unasked(name, &error));
    asks.into_iter().map(one).collect()
}

fn unasked(name: &str, error: &postgres::Error) -> Looked {
    let said = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    Looked::unknown(name, format!("the server does not say: {said}"), "connect as who may ask")
}

fn server(session: &mut Session, _: &Subject) -> Result<Looked, postgres::Error> {
    let row = session.query_one(
        "select current_setting('server_version'), current_setting('server_version_num')::int4 / 10000, pg_is_in_recovery()",
        &[],
    )?;
    let (version, major, standby): (String, i32, bool) = (row.get(0), row.get(1), row.get(2));
    let supported = 15..=18;
    if standby {
        return Ok(Looked::failed("server", "it is a standby, which takes no changes", "connect to the primary"));
    }
    if !supported.contains(&major) {
        return Ok(Looked::failed(
            "server",
            format!("Postgres {version}, which specc does not know"),
            "specc knows 15 to 18: upgrade the server, or specc",
        ));
    }
    Ok(Looked::passed("server", format!("Postgres {version}")))
}

fn encryption(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let row = session.query_one("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()", &[])?;
    let (ssl, version): (bool, Option<String>) = (row.get(0), row.get(1));
    Ok(match (ssl, subject.remote) {
        (true, _) => Looked::passed("encryption", version.unwrap_or_else(|| "TLS".to_owned())),
        (false, false) => Looked::passed("encryption", "the server is this machine"),
        (false, true) => Looked::failed(
            "encryption",
            "what is sent to another machine can be read on its way",
            "add `sslmode=verify-full` to the URL",
        ),
    })
}

fn extensions(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let rows = session.query(
        "select w.name, a.default_version is not null, e.extversion from unnest($1::text[]) w(name) \
         left join pg_available_extensions a on a.name = w.name left join pg_extension e on e.extname = w.name order by 1",
        &[&subject.extensions],
    )?;
    let missing: Vec<String> = rows.iter().filter(|row| !row.get::<_, bool>(1)).map(|row| row.get(0)).collect();
    if missing.is_empty() {
        let new = rows.iter().filter(|row| row.get::<_, Option<String>>(2).is_none()).count();
        let says = format!("{} asked for, {new} of them to be made", rows.len());
        return Ok(Looked::passed("extensions", says));
    }
    Ok(Looked::failed(
        "extensions",
        format!("the server has no {}", missing.join(", ")),
        "install it there, or take it out of the spec",
    ))
}

fn rights(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let tables: Vec<&String> = subject.locks.keys().chain(&subject.rewrites).collect();
    let row = session.query_one(
        "select current_user::text, has_database_privilege(current_database(), 'create'), \
           has_schema_privilege('public', 'create'), \
           array(select w.name from unnest($1::text[]) w(name) join pg_class c on c.oid = to_regclass(w.name) \
             where not pg_has_role(c.relowner, 'usage') order by 1)",
        &[&tables],
    )?;
    let (user, database, schema): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
    let foreign: Vec<String> = row.get(3);
    let mut lacks = Vec::new();
    if !database {
        lacks.push("may make no schemas in the database".to_owned());
    }
    if !schema {
        lacks.push("may make nothing in the schema public".to_owned());
    }
    if !foreign.is_empty() {
        lacks.push(format!("does not own {}", foreign.join(", ")));
    }
    if lacks.is_empty() {
        return Ok(Looked::passed("rights", format!("`{user}` may make schemas, and owns what is changed")));
    }
    Ok(Looked::failed(
        "rights",
        format!("`{user}` {}", lacks.join(", ")),
        "connect as the owner of the project's objects",
    ))
}

/// Roles of a server are the same in all its databases: another one's operator may have made somebody a member.
fn members(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let rows = session.query(
        "select distinct m.rolname::text, g.rolname::text from pg_auth_members a \
         join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member \
         where g.rolname = any($1) and not g.rolsuper and g.rolname <> current_user \
         and m.rolname <> all($1) and not m.rolsuper and m.rolname <> current_user order by 1, 2",
        &[&subject.roles],
    )?;
    if rows.is_empty() {
        return Ok(Looked::passed("members", "nobody but the roles of the spec has their rights"));
    }
    let all: Vec<String> =
        rows.iter().map(|row| format!("{} in {}", row.get::<_, String>(0), row.get::<_, String>(1))).collect();
    Ok(Looked::warned(
        "members",
        format!("who is not in the spec has the rights of its roles: {}", all.join(", ")),
        "the comparison with the spec fails after the deployment, unless the spec says so: `role MEMBER in ROLE`, or `external role`",
    ))
}

fn space(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let tables: Vec<&String> = subject.rewrites.iter().collect();
    let row = session.query_one(
        "select pg_database_size(current_database()), \
           coalesce((select sum(pg_total_relation_size(to_regclass(w.name))) from unnest($1::text[]) w(name)), 0)::int8",
        &[&tables],
    )?;
    let (size, more): (i64, i64) = (row.get(0), row.get(1));
    let says = format!("{} now, and up to {} more while it runs", words(size), words(more));
    Ok(match subject.disk {
        None if more == 0 => Looked::passed("space", format!("{} now; nothing is written anew", words(size))),
        None => Looked::unknown(
            "space",
            format!("{says}; how much the disk has, no query says"),
            "write `disk = \"8 GB\"` under the environment in specc.toml",
        ),
        Some(disk) if u64::try_from(size + more).unwrap_or(u64::MAX) > disk / 10 * 9 => Looked::failed(
            "space",
            format!("{says}, of {}", words(i64::try_from(disk).unwrap_or(i64::MAX))),
            "make the disk larger: nine tenths are the most that is used",
        ),
        Some(disk) => Looked::passed("space", format!("{says}, of {}", words(i64::try_from(disk).unwrap_or(i64::MAX)))),
    })
}

/// A size for persons.
fn words(bytes: i64) -> String {
    match bytes >> 20 {
        0 => format!("{} kB", bytes / 1024),
        megabytes if megabytes < 1024 => format!("{megabytes} MB"),
        _ => format!("{:.1} GB", bytes as f64 / 1_073_741_824.0),
    }
}

/// Who holds now what a file would wait for. A transaction that is open for some seconds is one that it would wait for.
fn locks(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let tables: Vec<&String> = subject.locks.keys().collect();
    let rows = session.query(
        "select a.pid, concat_ws(', ', a.usename::text, nullif(a.application_name, '')), c.oid::regclass::text, \
           coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::int8 \
         from unnest($1::text[]) w(name) join pg_class c on c.oid = to_regclass(w.name) \
         join pg_locks l on l.relation = c.oid and l.granted and l.database = (select oid from pg_database where datname = current_database()) \
         join pg_stat_activity a on a.pid = l.pid \
         where a.pid <> pg_backend_pid() and a.xact_start < clock_timestamp() - interval '2 seconds' \
         group by 1, 2, 3, 4 order by 4 desc, 1, 3",
        &[&tables],
    )?;
    if rows.is_empty() {
        let n = tables.len();
        return Ok(Looked::passed(
            "locks",
            format!("nobody holds {n} table{} that the files lock", if n == 1 { "" } else { "s" }),
        ));
    }
    let holds: Vec<String> = rows
        .iter()
        .take(5)
        .map(|row| {
            let (pid, who, table, open): (i32, String, String, i64) = (row.get(0), row.get(1), row.get(2), row.get(3));
            format!("process {pid} ({who}) holds {table} for {open} s")
        })
        .collect();
    Ok(Looked::failed(
        "locks",
        holds.join("; "),
        format!("wait until it ends, or end it: select pg_terminate_backend({})", rows[0].get::<_, i32>(0)),
    ))
}

fn sessions(session: &mut Session, _: &Subject) -> Result<Looked, postgres::Error> {
    let row = session.query_one(
        "select count(*) filter (where pid <> pg_backend_pid() and datname = current_database()), \
           count(*), current_setting('max_connections')::int8, \
           array_to_string(array(select format('%s of %s', count(*), coalesce(nullif(application_name, ''), usename::text, 'nobody')) \
             from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' \
             group by application_name, usename order by count(*) desc, 1 limit 5), ', ') \
         from pg_stat_activity where backend_type = 'client backend'",
        &[],
    )?;
    let (here, all, most): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let who: String = row.get(3);
    if all + 8 > most {
        return Ok(Looked::failed(
            "sessions",
            format!("{all} of {most} connections are taken"),
            "end some: a deployment takes up to four, and others come meanwhile",
        ));
    }
    let who = if who.is_empty() { "nobody else".to_owned() } else { who };
    Ok(Looked::passed("sessions", format!("connected here: {who} ({here}); {all} of {most} connections on the server")))
}

/// Asks beforehand what the files ask before they change anything: which rows they would refuse.
fn rows(session: &mut Session, subject: &Subject) -> Result<Looked, postgres::Error> {
    let (mut refused, mut later) = (Vec::new(), 0);
    let mut hint = None;
    for (file, sql) in &subject.reads {
        // Read-only by the session's default, whatever it says itself: nothing of it stays.
        session.batch_execute("begin read only; set local search_path to public")?;
        let asked = session.batch_execute(sql);
        session.batch_execute("rollback")?;
        let Err(error) = asked else { continue };
        match error.as_db_error() {
            // Integrity, or a value that another type does not take.
            Some(db) if ["23", "22"].iter().any(|class| db.code().code().starts_with(class)) => {
                refused.push(format!("{file}: {}", db.message()));
                hint = hint.or_else(|| db.hint().map(str::to_owned));
            }
            // It asks about what an earlier file makes, or takes too long.
            _ => later += 1,
        }
    }
    if !refused.is_empty() {
        return Ok(Looked::failed("rows", refused.join("; "), hint.unwrap_or_else(|| "make them fit".to_owned())));
    }
    let asked = subject.reads.len() - later;
    let says = format!("{asked} question{} about rows that would not fit: none", if asked == 1 { "" } else { "s" });
    Ok(match later {
        0 => Looked::passed("rows", says),
        _ => Looked::unknown(
            "rows",
            format!("{says}; {later} can be asked only after the files before"),
            "the file asks itself before it changes anything",
        ),
    })
}
