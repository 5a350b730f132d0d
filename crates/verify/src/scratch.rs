//! What Postgres itself says of a catalog or of SQL, found out in a database of its own.

use crate::make;
use specc_catalog::{Catalog, Entry, ObjectId};
use specc_introspect::{Introspected, introspect};
use specc_migrate::plan_create;
use specc_postgres::{Cluster, Database, Exceeded, Guard, Limits, Session, try_bare, try_shared};
use specc_sql::Statement;
use std::time::Duration;

/// How long a scratch server may be busy where nobody says otherwise.
pub const TIME: Duration = Duration::from_secs(600);

/// Why a scratch database did not say anything.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// There is no server for it, or it broke.
    #[error("{0}")]
    Postgres(String),
    /// Postgres refused a statement.
    #[error("Postgres refuses this: {message}\n  {statement}")]
    Refused {
        /// What it said.
        message: String,
        /// The first line of the statement.
        statement: String,
    },
    /// The server took too much of something.
    #[error("the scratch server was stopped: {0}")]
    Exceeded(Exceeded),
    /// Objects that need each other.
    #[error("{0}")]
    Cycle(#[from] specc_catalog::Cycle),
    /// The database could not be read.
    #[error("{0}")]
    Introspect(#[from] specc_introspect::Error),
}

impl From<specc_postgres::Error> for ScratchError {
    fn from(error: specc_postgres::Error) -> Self {
        ScratchError::Postgres(error.to_string())
    }
}

/// A private server, and what stands in each new database of it.
#[derive(Clone)]
pub struct Scratch {
    cluster: Cluster,
    platform: bool,
}

impl Scratch {
    /// One of this major version or, where there is none, of the newest that there is; `platform`: with Supabase's roles and
    /// schemas.
    ///
    /// # Errors
    /// Where the machine has no Postgres that can be started.
    pub fn start(major: Option<u32>, platform: bool) -> Result<Self, ScratchError> {
        Self::newest(major, platform, try_shared)
    }

    /// The same on this version, and on no other.
    ///
    /// # Errors
    /// Where the machine has no Postgres of it.
    pub fn exactly(major: u32, platform: bool) -> Result<Self, ScratchError> {
        let cluster = try_shared(major).map_err(|error| ScratchError::Postgres(error.to_string()))?;
        Ok(Self::on(cluster, platform))
    }

    /// Like [`start`](Self::start), without the platform's roles: what a server has that is nobody's platform.
    ///
    /// # Errors
    /// Where the machine has no Postgres that can be started.
    pub fn start_bare(major: Option<u32>) -> Result<Self, ScratchError> {
        Self::newest(major, false, try_bare)
    }

    fn newest(
        major: Option<u32>,
        platform: bool,
        shared: fn(u32) -> Result<&'static Cluster, &'static specc_postgres::Error>,
    ) -> Result<Self, ScratchError> {
        const KNOWN: [u32; 4] = [18, 17, 16, 15];
        let mut last = String::new();
        for major in major.into_iter().chain(KNOWN) {
            match shared(major) {
                Ok(cluster) => return Ok(Self::on(cluster, platform)),
                Err(error) => last = error.to_string(),
            }
        }
        Err(ScratchError::Postgres(last))
    }

    /// On this server; `platform` as for [`start`](Self::start).
    pub fn on(cluster: &Cluster, platform: bool) -> Self {
        Self { cluster: cluster.clone(), platform }
    }

    /// What the kernel of this machine does not keep the server from, in words.
    pub fn lacks(&self) -> Option<&'static str> {
        self.cluster.confinement().lacks()
    }

    /// Stops the server when it takes more than this, as long as the returned value lives.
    pub fn limit(&self, limits: Limits) -> Guard {
        self.cluster.limit(limits)
    }

    /// Does something within the usual limits, and says so where they were exceeded.
    ///
    /// # Errors
    /// Those of `act`, and of the limits.
    pub fn within<T, E: From<ScratchError>>(&self, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let guard = self.limit(Limits::of(TIME));
        let result = act();
        match guard.exceeded() {
            Some(what) => Err(ScratchError::Exceeded(what).into()),
            None => result,
        }
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.cluster.major()
    }

    /// A new database, gone with its value.
    ///
    /// # Errors
    /// Where the server does not make one.
    pub fn database(&self) -> Result<(Database, Session), ScratchError> {
        let database = if self.platform { self.cluster.platform_database() } else { self.cluster.empty_database() };
        let said = |error: specc_postgres::Error| ScratchError::Postgres(error.to_string());
        let database = database.map_err(said)?;
        let session = database.connect().map_err(said)?;
        Ok((database, session))
    }

    /// Makes a role that others have made where it counts.
    ///
    /// # Errors
    /// Where Postgres refuses it.
    pub fn role(&self, name: &str) -> Result<(), ScratchError> {
        let (_database, mut session) = self.database()?;
        make::role(&mut session, name)
    }

    /// The catalog as Postgres has it when it is made from nothing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn canonical(&self, catalog: &Catalog) -> Result<Introspected, ScratchError> {
        self.within(|| {
            loop {
                let (database, mut session) = self.database()?;
                // All is one role's here, and nothing of the project's runs as another: `own` says whose it is.
                let gives =
                    |statement: &&Statement<'_>| matches!(statement, Statement::SetOwner { .. } | Statement::Join(_));
                let run = make::run(
                    Some(&database).filter(|_| self.lacks().is_none()),
                    &mut session,
                    plan_create(catalog)?.statements().filter(|statement| !gives(statement)),
                );
                // Roles that are others' are the server's: this one may not have them yet.
                if let Err(ScratchError::Refused { message, .. }) = &run
                    && let Some(role) = missing_role(message)
                {
                    make::role(&mut session, role)?;
                    continue;
                }
                run?;
                // Nothing belongs to them here, and so nothing names them.
                let roles = catalog.iter().filter_map(|(_, entry)| entry.owner.clone()).collect();
                let mut made = introspect(&mut session, &specc_introspect::Options { roles, ..Default::default() })?;
                make::own(&mut made.catalog, catalog);
                return Ok(made);
            }
        })
    }

    /// A new database that has this catalog, and no rows of seeds.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn made(&self, catalog: &Catalog) -> Result<Database, ScratchError> {
        let mut catalog = catalog.clone();
        catalog.retain(|_, entry| !matches!(entry.object, specc_catalog::Object::Seed(_)));
        loop {
            let (database, mut session) = self.database()?;
            let above = Some(&database).filter(|_| self.lacks().is_none());
            match make::run(above, &mut session, plan_create(&catalog)?.statements()) {
                Ok(()) => return Ok(database),
                Err(ScratchError::Refused { message, statement }) => match missing_role(&message) {
                    Some(role) => make::role(&mut session, role)?,
                    None => return Err(ScratchError::Refused { message, statement }),
                },
                Err(error) => return Err(error),
            }
        }
    }

    /// What a database has, with the texts that Postgres spells otherwise when it reads them once more as it spells them
    /// then, where that is how `wanted` has them: `wanted` may have been read from the database before.
    pub fn read_again(&self, live: &Catalog, wanted: &Catalog) -> Catalog {
        let differs = |id: &ObjectId, entry: &Entry| wanted.get(id).is_some_and(|other| other.object != entry.object);
        let ids: Vec<ObjectId> =
            live.iter().filter(|(id, entry)| differs(id, entry)).map(|(id, _)| id.clone()).collect();
        let mut settled = live.clone();
        if ids.is_empty() {
            return settled;
        }
        // What cannot be made again stays as it was read.
        let Ok(again) = self.canonical(live) else { return settled };
        for id in ids {
            let (Some(again), Some(wanted)) = (again.catalog.get(&id), wanted.get(&id)) else { continue };
            if let Some(entry) = settled.get_mut(&id).filter(|_| again.object == wanted.object) {
                entry.object = again.object.clone();
            }
        }
        settled
    }

    /// What SQL makes, as it stands in a file.
    ///
    /// # Errors
    /// Where Postgres refuses it.
    pub fn load_dump(&self, dump: &specc_split::Dump) -> Result<Introspected, ScratchError> {
        self.within(|| {
            loop {
                let (database, mut session) = self.database()?;
                match make::load(Some(&database).filter(|_| self.lacks().is_none()), &mut session, dump) {
                    Ok(()) => {
                        let roles = dump.roles.iter().map(Into::into).collect();
                        let options = specc_introspect::Options { roles, ..Default::default() };
                        return Ok(introspect(&mut session, &options)?);
                    }
                    // A dump has the objects of one database, and roles are the server's.
                    Err(make::Stopped::NoRole(role)) => make::role(&mut session, &role)?,
                    Err(make::Stopped::By(error)) => return Err(error),
                }
            }
        })
    }
}

/// The role of which the server says that it is not there.
pub fn missing_role(message: &str) -> Option<&str> {
    message.strip_prefix("role \"")?.strip_suffix("\" does not exist")
}

/// With what the server said.
pub(crate) fn refused(error: &specc_postgres::postgres::Error, text: &str) -> ScratchError {
    let message = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_string());
    ScratchError::Refused { message, statement: text.trim().lines().next().unwrap_or_default().to_string() }
}
