//! A database that is made from the spec at once, to hold the migrated one against.

use crate::beside::{Beside, seeded};
use crate::dump::{self, Rolled};
use crate::make;
use crate::scratch::ScratchError;
use crate::server::{ScratchDatabase, Server};
use crate::sums::Sums;
use crate::words::{lines, said, words};
use specc_catalog::{Catalog, Object};
use specc_introspect::introspect;
use specc_migrate::plan_create;
use specc_postgres::{Address, Session};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What it has.
pub(crate) struct Spec {
    /// Its objects.
    pub made: Catalog,
    beside: Beside,
    rows: Sums,
    /// What `pg_dump` says of it, where there is one.
    dump: Option<BTreeSet<String>>,
    rolled: Rolled,
    database: ScratchDatabase,
}

impl Spec {
    /// Makes it, and looks at it.
    ///
    /// # Errors
    /// Where it cannot be made or read.
    pub fn make(
        server: &Server,
        catalog: &Catalog,
        roles: &[String],
        notes: &mut Vec<String>,
    ) -> Result<Self, ScratchError> {
        let database = server.database()?;
        let mut session = database.connect(false)?;
        let above = database.own().filter(|_| server.is_confined());
        make::run(above, &mut session, plan_create(catalog)?.statements())?;
        let made = introspect(&mut session, &specc_introspect::Options::default())?.catalog;
        let mut above = database.connect(true)?;
        let beside = Beside::read(&mut above, roles).map_err(|error| said(&error))?;
        let rows = seeded(&mut above, catalog).map_err(|error| said(&error))?;
        let rolled = dump::rolled(&mut above)?;
        let dump = match dump::statements(&mut above, &database.address()?, &[]) {
            Ok(dump) => Some(dump),
            Err(error) => {
                notes.push(format!("`pg_dump` was not asked what it sees: {error}"));
                None
            }
        };
        Ok(Self { made, beside, rows, dump, rolled, database })
    }

    /// Roles that the migrations made otherwise than the spec says, in words. Those that were `known` before are not theirs.
    pub fn roles(&self, catalog: &Catalog, there: &Catalog, known: Option<&Beside>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (id, entry) in catalog.iter() {
            let (Object::Role(wanted), Some(Object::Role(is))) = (&entry.object, there.get(id).map(|e| &e.object))
            else {
                continue;
            };
            if known.is_some_and(|known| known.rest.contains_key(&format!("role {}", id.name))) {
                continue;
            }
            if wanted != is {
                let words = |options: &[_], groups: &[_]| {
                    let all: Vec<String> = options.iter().chain(groups).map(ToString::to_string).collect();
                    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
                };
                wrong.push(format!(
                    "{id}: has {}, not {}",
                    words(&is.options, &is.member_of),
                    words(&wanted.options, &wanted.member_of)
                ));
            }
        }
        wrong
    }

    /// What the migrated database is not, beside its objects, in words.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn unlike(
        &self,
        above: &mut Session,
        catalog: &Catalog,
        beside: &Beside,
        address: &Address,
        reordered: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, ScratchError> {
        let mut wrong = self.beside.unlike(beside, reordered);
        let rows = seeded(above, catalog).map_err(|error| said(&error))?;
        for (table, wanted) in &self.rows {
            match rows.get(table) {
                Some(is) if is.0 != wanted.0 => {
                    wrong.push(format!("{table} has {} rows of its own, the spec makes {}", is.0, wanted.0));
                }
                Some(is) if is != wanted => {
                    wrong.push(format!("the rows of {table} are not those that the spec makes"));
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        if !wrong.is_empty() {
            found.push(format!(
                "made by the migrations, the database is not as one that is made from the spec:{}",
                words(wrong.into_iter())
            ));
        }
        if let Some(wanted) = &self.dump {
            // The calendar leaves a partition the name that it got when its table was called otherwise.
            let rolled = dump::rolled(above)?;
            let same = self.rolled.iter().filter_map(|(part, named)| Some((named, rolled.get(part)?)));
            let (ours, theirs): (Vec<_>, Vec<_>) = same.filter(|(ours, theirs)| ours != theirs).unzip();
            let is = dump::statements(above, address, &theirs)?;
            let wanted = &match ours.is_empty() {
                true => Cow::Borrowed(wanted),
                false => {
                    let mut session = self.database.connect(true)?;
                    Cow::Owned(dump::statements(&mut session, &self.database.address()?, &ours)?)
                }
            };
            let first = |sign: char| move |text: &String| format!("{sign} {}", lines(text).next().unwrap_or_default());
            let more: Vec<String> = is.difference(wanted).map(first('+')).collect();
            let less: Vec<String> = wanted.difference(&is).map(first('-')).collect();
            if !more.is_empty() || !less.is_empty() {
                found.push(format!(
                    "`pg_dump` sees another database than one that is made from the spec:{}",
                    words(less.into_iter().chain(more))
                ));
            }
        }
        Ok(found)
    }
}
