//! Databases on a cluster.

use std::sync::Arc;

use postgres::Config;

use crate::cluster::Inner;
use crate::error::Error;
use crate::platform::{AUTHENTICATOR, FILLER, OWNER, SUPERUSER};
use crate::session::{Session, load_sql, quote_ident};

/// A database with a name of its own, owned by [`OWNER`], dropped with this value.
pub struct Database {
    cluster: Arc<Inner>,
    name: String,
}

impl Database {
    pub(crate) fn create(cluster: Arc<Inner>, template: &str) -> Result<Self, Error> {
        let name = cluster.next_name();
        cluster.admin(|admin| {
            Ok(admin.batch_execute(&format!(
                // On a memory file system the copy of the files costs less than the log of their pages.
                "create database {} template {} strategy file_copy owner {}",
                quote_ident(&name),
                quote_ident(template),
                quote_ident(OWNER),
            ))?)
        })?;
        Ok(Self { cluster, name })
    }

    pub(crate) fn cluster(&self) -> &Inner {
        &self.cluster
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect as a role that may log in.
    pub fn config(&self, role: &str) -> Config {
        self.cluster.config(&self.name, role)
    }

    /// How another program connects as a role that may log in, as a URL.
    pub fn url(&self, role: &str) -> String {
        // The socket's folder has no character that needs more than this.
        let dir = self.cluster.dir().to_string_lossy().replace('%', "%25").replace('/', "%2F");
        format!("postgresql://{role}@{dir}/{}", self.name)
    }

    /// Connects as the owner.
    pub fn connect(&self) -> Result<Session, Error> {
        Session::connect(&self.config(OWNER))
    }

    /// Connects as who may make and read any rows, and is no superuser.
    pub fn connect_filler(&self) -> Result<Session, Error> {
        Session::connect(&self.config(FILLER))
    }

    /// Connects as the superuser, for what a test must arrange behind the owner's back. Never run what somebody else
    /// wrote in it, nor call what somebody else made.
    pub fn connect_superuser(&self) -> Result<Session, Error> {
        Session::connect(&self.config(SUPERUSER))
    }

    /// Connects as any role. One that may not log in is taken the way the API does it: log in as
    /// `authenticator`, then `set role`; no timeouts apply. A role that `authenticator` may not take
    /// becomes the session's user by the superuser's word.
    pub fn connect_as(&self, role: &str) -> Result<Session, Error> {
        let (login, member) = self.cluster.admin(|admin| {
            let row = admin
                .query_opt(
                    "select r.rolcanlogin, pg_has_role(a.rolname, r.rolname, 'member') \
                     from pg_roles r, pg_roles a where r.rolname = $1 and a.rolname = $2",
                    &[&role, &AUTHENTICATOR],
                )?
                .ok_or_else(|| Error::UnknownRole(role.to_owned()))?;
            Ok((row.get::<_, bool>(0), row.get::<_, bool>(1)))
        })?;
        if login {
            return Session::connect(&self.config(role));
        }
        let (user, verb) = if member { (AUTHENTICATOR, "set role") } else { (SUPERUSER, "set session authorization") };
        let mut session = Session::connect(&self.config(user))?;
        session.batch_execute(&format!("{verb} {}", quote_ident(role)))?;
        Ok(session)
    }

    /// Runs a file of SQL as the owner. See [`load_sql`].
    pub fn load(&self, text: &str) -> Result<Vec<crate::Notice>, Error> {
        load_sql(&mut self.connect()?, text)
    }

    /// Another database with the same contents. Ends all sessions of this one.
    pub fn duplicate(&self) -> Result<Self, Error> {
        self.cluster.end_sessions(&self.name)?;
        Self::create(Arc::clone(&self.cluster), &self.name)
    }

    /// Turns the database into a pattern for others. Ends all its sessions.
    pub fn into_template(self) -> Result<Template, Error> {
        self.cluster.end_sessions(&self.name)?;
        Ok(Template(self))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Dropping is a courtesy to the disk: the cluster goes in the end.
        let _ = self.cluster.admin(|admin| {
            Ok(admin.batch_execute(&format!("drop database if exists {} with (force)", quote_ident(&self.name)))?)
        });
    }
}

/// A database that nobody is connected to, from which others are made in little time.
pub struct Template(Database);

impl Template {
    /// A new database with the template's contents.
    pub fn create(&self) -> Result<Database, Error> {
        Database::create(Arc::clone(&self.0.cluster), &self.0.name)
    }
}
