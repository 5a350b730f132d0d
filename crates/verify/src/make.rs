//! Making a catalog in a scratch database. What only a superuser may make, a superuser makes, where that runs nothing of the
//! project's; what the project wrote runs as the owner.

use crate::scratch::{ScratchError, missing_role, refused};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Entry, Function, Object, ObjectId, Role};
use specc_facts::{is_of_event_trigger, is_predefined_role, is_safe_above};
use specc_postgres::postgres::{self, error::SqlState};
use specc_postgres::{Database, Session, platform};
use specc_split::{Dump, Lexer, Piece, Token, gives_to, split};
use specc_sql::quote::{dollar, ident, literal};
use specc_sql::{Named, Statement, push_routine};

/// As few round trips as the server takes well.
const BATCH: usize = 64 * 1024;

/// A body may name what is gone: the database has it all the same.
const SETTINGS: &str = "set check_function_bodies to off";

/// Runs statements one after the other, so that the one that is refused is known.
pub(crate) fn run<'s>(
    database: Option<&Database>,
    session: &mut Session,
    statements: impl Iterator<Item = &'s Statement<'s>>,
) -> Result<(), ScratchError> {
    let mut maker = Maker { database, session, above: None, wrappers: false, last: Vec::new() };
    maker.session.batch_execute(SETTINGS).map_err(|error| refused(&error, SETTINGS))?;
    let (mut batch, mut singles) = (String::new(), Vec::new());
    for statement in statements {
        let mut text = String::new();
        specc_sql::print(statement, &mut text);
        // It fires for what comes after it.
        if matches!(statement, Statement::RunSql(_)) && split(&text).is_ok_and(|all| all.iter().any(of_event_trigger)) {
            maker.flush(&mut batch, &mut singles)?;
            maker.pieces(&text)?;
            continue;
        }
        batch.push_str(&text);
        singles.push((statement, text));
        if batch.len() > BATCH {
            maker.flush(&mut batch, &mut singles)?;
        }
    }
    maker.flush(&mut batch, &mut singles)?;
    maker.finish()
}

/// The wrappers of extensions, for the owner: they are a superuser's, whoever makes the extension.
const WRAPPERS: &str = "do $$ declare wrapper name; begin \
    for wrapper in select w.fdwname from pg_catalog.pg_foreign_data_wrapper w join pg_catalog.pg_depend d \
        on d.classid operator(pg_catalog.=) 2328 and d.objid operator(pg_catalog.=) w.oid \
        and d.deptype operator(pg_catalog.=) 'e' loop \
      execute pg_catalog.format('grant usage on foreign data wrapper %I to postgres', wrapper); \
    end loop; end $$";

/// Why a dump was not loaded.
pub(crate) enum Stopped {
    /// It names a role that is not there.
    NoRole(String),
    /// Postgres refused something.
    By(ScratchError),
}

impl From<ScratchError> for Stopped {
    fn from(error: ScratchError) -> Self {
        Stopped::By(error)
    }
}

/// Makes a role that a dump names. One that a statement asks for twice was not missing.
pub(crate) fn role(session: &mut Session, name: &str) -> Result<(), ScratchError> {
    let text = format!("rollback; create role {}", ident(name));
    session.batch_execute(&text).map_err(|error| refused(&error, &text))
}

/// Runs a dump, then says whose its objects are.
pub(crate) fn load(database: Option<&Database>, session: &mut Session, dump: &Dump) -> Result<(), Stopped> {
    let mut maker = Maker { database, session, above: None, wrappers: false, last: Vec::new() };
    if let Err(error) = maker.session.batch_execute(&dump.text) {
        let missing = error.as_db_error().filter(|db| *db.code() == SqlState::UNDEFINED_OBJECT);
        let quoted = missing.and_then(|db| missing_role(db.message()));
        if let Some(role) = quoted {
            return Err(Stopped::NoRole(role.to_owned()));
        }
        // What fails is undone as a whole, unless the text says otherwise.
        if maker.database.is_none() || !is_denied(&error) {
            return Err(refused(&error, &dump.text).into());
        }
        let _ = maker.session.batch_execute("rollback");
        maker.pieces(&dump.text)?;
    }
    maker.session.batch_execute("reset all").map_err(|error| refused(&error, "reset all"))?;
    let mut roles: Vec<&str> = dump.owners.iter().map(|(_, role)| role.as_str()).collect();
    roles.sort_unstable();
    roles.dedup();
    for role in roles {
        maker.lend(role)?;
        for (text, _) in dump.owners.iter().filter(|(_, owner)| owner == role) {
            // Only superusers have event triggers and the like, and they are all alike.
            if let Err(error) = maker.session.batch_execute(text)
                && !is_denied(&error)
            {
                return Err(refused(&error, text).into());
            }
        }
        maker.take_back(role)?;
    }
    Ok(maker.finish()?)
}

/// Says of what was made whose it is to be, and takes away what its owner was granted: an owner has that.
pub fn own(made: &mut Catalog, wanted: &Catalog) {
    let owned: Vec<(&ObjectId, &SmolStr)> =
        wanted.iter().filter_map(|(id, entry)| Some((id, entry.owner.as_ref()?))).collect();
    if owned.is_empty() {
        return;
    }
    for (id, owner) in &owned {
        if let Some(entry) = made.get_mut(id).filter(|entry| !matches!(entry.object, Object::Sql(_))) {
            entry.owner = Some((*owner).clone());
        }
    }
    let is_own = |entry: &Entry| match &entry.object {
        Object::Grant(grant) => wanted.owner_of(&grant.on).is_some_and(|owner| *owner == grant.to),
        _ => false,
    };
    made.retain(|_, entry| !is_own(entry));
}

struct Maker<'m> {
    /// Where a superuser may make something; none where the server is somebody's, or the kernel does not confine it.
    database: Option<&'m Database>,
    session: &'m mut Session,
    /// A superuser's session.
    above: Option<Session>,
    /// The owner may use the wrappers of extensions.
    wrappers: bool,
    /// What is said of event triggers.
    last: Vec<String>,
}

impl Maker<'_> {
    fn flush<'s>(
        &mut self,
        batch: &mut String,
        singles: &mut Vec<(&'s Statement<'s>, String)>,
    ) -> Result<(), ScratchError> {
        // A batch is a transaction: where it fails nothing of it is there, and each can be tried alone.
        if self.session.batch_execute(batch).is_err() {
            for (statement, text) in singles.iter() {
                self.single(statement, text)?;
            }
        }
        batch.clear();
        singles.clear();
        Ok(())
    }

    fn single(&mut self, statement: &Statement<'_>, text: &str) -> Result<(), ScratchError> {
        match (self.session.batch_execute(text), statement) {
            (Ok(()), _) => Ok(()),
            (Err(error), _) if self.database.is_none() || !is_denied(&error) => Err(refused(&error, text)),
            (Err(_), Statement::Create(Object::Role(role))) if !is_above(role) => {
                let mine = format!("grant {} to {} with admin option", ident(&role.name), platform::OWNER);
                self.above(text)?;
                self.above(&mine)
            }
            (Err(_), Statement::Create(Object::Function(function))) if function.leakproof => self.leakproof(function),
            (Err(_), Statement::Create(Object::Extension(_))) => self.above(text),
            (Err(_), Statement::Comment { on: Named::Object(Object::Extension(_)), .. }) => self.above(text),
            (Err(_), Statement::RunSql(_)) => self.pieces(text),
            (Err(error), _) => Err(refused(&error, text)),
        }
    }

    /// The owner makes it, and a superuser says that it gives nothing away.
    fn leakproof(&mut self, function: &Function) -> Result<(), ScratchError> {
        let plain = Object::Function(Box::new(Function { leakproof: false, ..function.clone() }));
        let mut text = String::new();
        specc_sql::print(&Statement::Create(&plain), &mut text);
        self.session.batch_execute(&text).map_err(|error| refused(&error, &text))?;
        let mut alter = format!("alter {} ", if function.procedure { "procedure" } else { "function" });
        push_routine(&mut alter, function);
        alter.push_str(" leakproof");
        self.above(&alter)
    }

    /// The statements of a block, each by who may run it.
    fn pieces(&mut self, text: &str) -> Result<(), ScratchError> {
        let pieces = split(text).map_err(|error| ScratchError::Refused {
            message: error.to_string(),
            statement: text.lines().next().unwrap_or_default().to_owned(),
        })?;
        for piece in &pieces {
            if self.database.is_some() && of_event_trigger(piece) {
                self.last.push(piece.text.to_owned());
                continue;
            }
            let Err(error) = self.session.batch_execute(piece.text) else { continue };
            let tokens: Vec<Token> = Lexer::new(piece.text).map_while(Result::ok).collect();
            if let Some(role) = gives_to(piece.text, &tokens).filter(|_| is_denied(&error)) {
                self.join(&role);
                self.session.batch_execute(piece.text).map_err(|error| refused(&error, piece.text))?;
                continue;
            }
            if self.database.is_none() || !is_denied(&error) {
                return Err(refused(&error, piece.text));
            }
            if begins(piece, |is| is_safe_above(is)) {
                self.above(piece.text)?;
                continue;
            }
            if !self.wrappers {
                self.wrappers = true;
                self.above(WRAPPERS)?;
            }
            self.session.batch_execute(piece.text).map_err(|error| refused(&error, piece.text))?;
        }
        Ok(())
    }

    /// Makes a role that a dump names, and lets it create where it may not: Postgres asks for that of a new owner.
    fn lend(&mut self, role: &str) -> Result<(), ScratchError> {
        if role == platform::OWNER || is_predefined_role(role) {
            return Ok(());
        }
        let (name, text) = (ident(role), literal(role));
        let make = format!(
            " begin if not exists (select from pg_catalog.pg_roles where rolname operator(pg_catalog.=) {text}) then \
             create role {name}; end if; end "
        );
        let mut run = |text: &str| self.session.batch_execute(text).map_err(|error| refused(&error, text));
        run(&format!("do {}", dollar(&make)))?;
        self.join(role);
        let mut run = |text: &str| self.session.batch_execute(text).map_err(|error| refused(&error, text));
        run(&format!(
            "create temporary table lent as select n.oid::pg_catalog.regnamespace as schema from pg_catalog.pg_namespace n \
             where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
               and not pg_catalog.has_schema_privilege({text}, n.oid, 'create') \
               and pg_catalog.pg_has_role(n.nspowner, 'usage')"
        ))?;
        run(&format!("do {}", dollar(&lent(&format!("grant create on schema %s to {name}")))))
    }

    fn take_back(&mut self, role: &str) -> Result<(), ScratchError> {
        if role == platform::OWNER || is_predefined_role(role) {
            return Ok(());
        }
        let revoke = lent(&format!("revoke create on schema %s from {}", ident(role)));
        let text = format!("do {}; drop table lent", dollar(&revoke));
        self.session.batch_execute(&text).map_err(|error| refused(&error, &text))
    }

    /// Who gives something to a role is a member of it, if it may be.
    fn join(&mut self, role: &str) {
        let role = Role { name: role.into(), options: Vec::new(), member_of: Vec::new() };
        if !is_predefined_role(&role.name) && role.name != platform::OWNER {
            let mut text = String::new();
            specc_sql::print(&Statement::Join(&role), &mut text);
            // Where it may not, the statement that follows says so.
            let _ = self.session.batch_execute(&text);
        }
    }

    fn above(&mut self, text: &str) -> Result<(), ScratchError> {
        if let (None, Some(database)) = (&self.above, self.database) {
            let mut session =
                database.connect_superuser().map_err(|error| ScratchError::Postgres(error.to_string()))?;
            session.batch_execute(SETTINGS).map_err(|error| refused(&error, SETTINGS))?;
            self.above = Some(session);
        }
        let Some(session) = &mut self.above else { return Ok(()) };
        session.batch_execute(text).map_err(|error| refused(&error, text))
    }

    /// Event triggers fire for no statement about event triggers, and for all others.
    fn finish(mut self) -> Result<(), ScratchError> {
        for text in std::mem::take(&mut self.last) {
            self.above(&text)?;
        }
        Ok(())
    }
}

/// Does something for each schema in which a role may create for a while.
fn lent(what: &str) -> String {
    format!(
        " declare own text; begin for own in select schema::text from pg_temp.lent loop \
         execute pg_catalog.format({}, own); end loop; end ",
        literal(what)
    )
}

/// Whether who takes the role could do what a superuser does: the owner is given every role that is made for him.
fn is_above(role: &Role) -> bool {
    role.options.iter().any(|option| option == "superuser")
        || role.member_of.iter().any(|group| is_predefined_role(group))
}

fn begins(piece: &Piece<'_>, matches: impl Fn(&dyn Fn(usize, &str) -> bool) -> bool) -> bool {
    let tokens: Vec<Token> = Lexer::new(piece.text).map_while(Result::ok).take(5).collect();
    matches(&|n, word| tokens.get(n).is_some_and(|token| token.is(piece.text, word)))
}

fn of_event_trigger(piece: &Piece<'_>) -> bool {
    begins(piece, |is| is_of_event_trigger(is))
}

fn is_denied(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
}
