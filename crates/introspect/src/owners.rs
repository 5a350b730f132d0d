//! Whose each object is.
//!
//! An owner is said where it is another role than the one that the project's objects belong to. That is the owner of the
//! journal that specc keeps, then the database's owner, where one of them has something of the project's; else the owner of
//! the journal, if it made something that is another's now, or the role that has the most. The one that stands above the others comes first:
//! what belongs to nobody in a spec belongs to who applies it, and nothing of a weaker role's may come to that.

use crate::Error;
use crate::reader::{Address, CatalogReader};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

/// A sequence of a column is its table's. Only superusers own event triggers and wrappers, and they are all alike.
/// What came with the server belongs to who made the cluster.
const OWNERS: &str = "select * from (select 1259::oid, c.oid, c.relnamespace, c.relowner from pg_class c \
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and not exists (select from pg_depend d \
        where d.classid = 1259 and d.objid = c.oid and d.refclassid = 1259 and d.refobjsubid > 0 and d.deptype in ('a', 'i')) \
    union all select 1255, oid, pronamespace, proowner from pg_proc \
    union all select 1247, t.oid, t.typnamespace, t.typowner from pg_type t left join pg_class c on c.oid = t.typrelid \
      where t.typtype in ('b', 'd', 'e', 'r') and t.typcategory <> 'A' or c.relkind = 'c' \
    union all select 2615, oid, oid, nspowner from pg_namespace where nspname <> 'public' \
    union all select 3456, oid, collnamespace, collowner from pg_collation \
    union all select 2607, oid, connamespace, conowner from pg_conversion \
    union all select 2617, oid, oprnamespace, oprowner from pg_operator \
    union all select 2616, oid, opcnamespace, opcowner from pg_opclass \
    union all select 2753, oid, opfnamespace, opfowner from pg_opfamily \
    union all select 3600, oid, dictnamespace, dictowner from pg_ts_dict \
    union all select 3602, oid, cfgnamespace, cfgowner from pg_ts_config \
    union all select 3381, oid, stxnamespace, stxowner from pg_statistic_ext \
    union all select 6104, oid, 0, pubowner from pg_publication \
    union all select 1417, oid, 0, srvowner from pg_foreign_server \
    union all select 2612, oid, 0, lanowner from pg_language) o(class, object, schema, owner) where object >= 16384";

/// Who keeps the journal, and whether that can be read.
const JOURNAL: &str = "select n.nspowner, coalesce(has_table_privilege(a.attrelid, 'select'), false) \
    from pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relname = 'migrations' \
    left join pg_attribute a on a.attrelid = c.oid and a.attname = 'adopted' where n.nspname = 'specc'";

const APPLIED: &str = "select exists (select from specc.migrations where not adopted)";

/// Whether each of these roles may create in each of these schemas.
const CREATE: &str = "select has_schema_privilege(r, s, 'create') from unnest($1::oid[], $2::oid[]) u(r, s)";

/// Whose what is; none for what is the project's own.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    /// The owner and the schema.
    by: FxHashMap<Address, (u32, u32)>,
    /// Roles that may not create in a schema in which they own something.
    closed: FxHashSet<(u32, u32)>,
}

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut by: FxHashMap<Address, (u32, u32)> = FxHashMap::default();
    let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
    for row in reader.query(OWNERS, &[])? {
        let (address, schema, owner) = ((row.get(0), row.get(1)), row.get(2), row.get(3));
        if schema != 0 && !reader.is_ours(schema, owner, address) {
            continue;
        }
        by.insert(address, (owner, schema));
        if schema != 0 {
            *counts.entry(owner).or_default() += 1;
        }
    }
    let rows = reader.query(JOURNAL, &[])?;
    let journal: Option<u32> = rows.first().map(|row| row.get(0));
    let applied = match rows.first() {
        Some(row) if row.get(1) => reader.query(APPLIED, &[])?.first().is_some_and(|row| row.get(0)),
        _ => false,
    };
    let has = |role: &u32| counts.contains_key(role);
    let most = || counts.iter().max_by_key(|(role, count)| (**count, std::cmp::Reverse(reader.role_name(**role))));
    let own = journal
        .filter(has)
        .or_else(|| Some(reader.owners.owner).filter(has))
        .or(journal.filter(|_| applied))
        .or_else(|| most().map(|(role, _)| *role))
        .unwrap_or(reader.owners.owner);
    by.retain(|_, (owner, _)| *owner != own);
    let pairs: FxHashSet<(u32, u32)> = by.values().copied().filter(|(_, schema)| *schema != 0).collect();
    let pairs: Vec<(u32, u32)> = pairs.into_iter().collect();
    let (roles, schemas): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
    let rows = reader.query(CREATE, &[&roles, &schemas])?;
    let closed = pairs.into_iter().zip(&rows).filter(|(_, row)| !row.get::<_, bool>(0)).map(|(pair, _)| pair);
    reader.owned = Owned { by, closed: closed.collect() };
    Ok(())
}

impl CatalogReader<'_> {
    /// The owner of an object, where that is another than the project's.
    pub fn owner(&self, address: Address) -> Option<SmolStr> {
        self.owned.by.get(&address).map(|&(owner, _)| self.role_name(owner)).filter(|name| !name.is_empty())
    }

    /// The schema of an object that belongs to another role, and whether that may create there.
    pub fn owned_in(&self, address: Address) -> Option<(SmolStr, bool)> {
        let &(owner, schema) = self.owned.by.get(&address).filter(|(_, schema)| *schema != 0)?;
        Some((self.schema_name(schema), !self.owned.closed.contains(&(owner, schema))))
    }

    /// Whether a role is a superuser: what it is granted adds nothing.
    pub fn is_above(&self, name: &str) -> bool {
        self.roles.values().any(|role| role.superuser && role.name == name)
    }
}
