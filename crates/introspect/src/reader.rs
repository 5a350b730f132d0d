//! What all readers share: the transaction, who owns what, and what was found so far.

use crate::owner::{Belongs, Owners, Role, Schema, Who};
use crate::types::Types;
use crate::{Error, LeftOut, Options};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Entry, Grantees, ObjectId, Sql, TableName};
use specc_postgres::postgres::types::ToSql;
use specc_postgres::postgres::{Row, Transaction};

/// The numbers of Postgres's own catalogs, which are the same in every database.
pub(crate) mod class {
    pub const TYPE: u32 = 1247;
    pub const PROC: u32 = 1255;
    pub const CLASS: u32 = 1259;
    pub const CAST: u32 = 2605;
    pub const CONSTRAINT: u32 = 2606;
    pub const NAMESPACE: u32 = 2615;
    pub const OPCLASS: u32 = 2616;
    pub const OPERATOR: u32 = 2617;
    pub const REWRITE: u32 = 2618;
    pub const TRIGGER: u32 = 2620;
    pub const OPFAMILY: u32 = 2753;
    pub const EXTENSION: u32 = 3079;
    pub const POLICY: u32 = 3256;
    pub const PUBLICATION: u32 = 6104;
    pub const PUBLICATION_REL: u32 = 6106;
}

/// What Postgres itself made has a lower number.
pub(crate) const FIRST_OWN: u32 = 16384;

/// An object in Postgres's own terms: its catalog and its number.
pub(crate) type Address = (u32, u32);

/// A table, view, sequence, composite type or foreign table, of ours or not.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub schema: SmolStr,
    pub name: SmolStr,
    /// `r`, `p`, `v`, `m`, `f`, `S`, `c` as in Postgres's catalog.
    pub kind: char,
    /// Whether it is the project's.
    pub ours: bool,
    pub owner: u32,
    pub acl: Option<Vec<String>>,
    /// A partition.
    pub part: bool,
    /// Names by number, holes where columns were dropped.
    pub columns: Vec<SmolStr>,
}

impl Relation {
    pub fn table(&self) -> TableName {
        TableName::new(self.schema.clone(), self.name.clone())
    }

    /// The names of columns by number.
    pub fn names(&self, numbers: &[i16]) -> Vec<SmolStr> {
        numbers.iter().map(|&n| self.column(n)).collect()
    }

    /// The name of a column by number; columns that every table has are known too.
    pub fn column(&self, number: i16) -> SmolStr {
        match number {
            -1 => "ctid".into(),
            -6 => "tableoid".into(),
            n => self.columns.get(n.saturating_sub(1) as usize).cloned().unwrap_or_default(),
        }
    }
}

/// Where a dependency of an entry is kept while entries are still made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub usize);

/// A cast that a block makes. What uses it is not kept by Postgres, only what it calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast {
    pub slot: Slot,
    pub function: Option<u32>,
    /// The types that it is between.
    pub ends: [u32; 2],
}

pub(crate) struct CatalogReader<'c> {
    pub transaction: Transaction<'c>,
    pub version: u32,
    pub owners: Owners,
    pub owned: crate::owners::Owned,
    pub roles: FxHashMap<u32, Role>,
    pub schemas: FxHashMap<u32, (Schema, Belongs)>,
    /// Schemas that are ours, and those in which something of ours can be.
    pub spaces: Vec<u32>,
    pub types: Types,
    /// By number.
    pub relations: FxHashMap<u32, Relation>,
    /// By catalog, number and column.
    pub comments: FxHashMap<(u32, u32, i32), SmolStr>,
    /// Extensions by number.
    pub extensions: FxHashMap<u32, SmolStr>,
    /// The extension that an object belongs to.
    pub members: FxHashMap<Address, u32>,
    /// The numbers of identity columns.
    pub identities: crate::sequences::Identities,
    /// The table and column that a sequence is the identity of.
    pub identity_sequences: FxHashMap<u32, (u32, i16)>,
    /// The types and collations of columns, by table.
    pub column_types: FxHashMap<(u32, i16), (u32, u32)>,
    /// Who may do what with single columns, by table.
    pub column_access: FxHashMap<u32, Vec<(i16, Vec<String>)>>,
    /// The indexes that constraints have for themselves.
    pub constraint_indexes: FxHashMap<u32, crate::indexes::Raw>,
    /// Columns whose value is computed, by table.
    pub generated: FxHashMap<u32, Vec<i16>>,
    /// Who may call what, by owner.
    pub routine_access: Vec<(Slot, u32, Option<Vec<String>>)>,
    pub casts: Vec<Cast>,
    /// What comes and goes with something else.
    pub internal: FxHashSet<Address>,
    /// Everything found.
    pub entries: Vec<Entry>,
    /// Which entry says an object.
    pub found: FxHashMap<Address, Slot>,
    /// Extensions that the platform made: in the catalog only if something of ours needs them.
    pub doubtful: Vec<Slot>,
    /// Roles that something found refers to.
    pub mentioned: FxHashSet<SmolStr>,
    pub left_out: Vec<LeftOut>,
    pub invalid_indexes: Vec<ObjectId>,
    pub default_grantees: Grantees,
}

const DATABASE: &str = "select d.datdba, current_setting('server_version_num')::int, \
      (select r.oid from pg_roles r where r.rolname = current_user) \
    from pg_database d where d.datname = current_database()";

const ROLES: &str = "select oid, rolname::text, rolsuper, rolcreaterole from pg_roles";

/// Whether an extension of another role than the owner is in a schema, and whether the owner's search path names it, are
/// asked here because they decide whose the schema is.
const SCHEMAS: &str = "select n.oid, n.nspname::text, n.nspowner, n.nspacl::text[], \
      exists (select from pg_extension e where e.extnamespace = n.oid and e.oid >= 16384), \
      exists (select from pg_extension e where e.extnamespace = n.oid and e.extowner <> d.datdba and e.oid >= 16384), \
      exists (select from pg_db_role_setting s, unnest(s.setconfig) c where s.setrole in (0, d.datdba) \
        and s.setdatabase in (0, d.oid) and c like 'search\\_path=%' \
        and n.nspname = any (string_to_array(replace(replace(substr(c, 13), ' ', ''), '\"', ''), ','))) \
    from pg_namespace n, pg_database d \
    where d.datname = current_database() and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
    order by n.nspname collate \"C\"";

/// Who owns what in each schema; asked where that decides whose the schema is.
const CONTENTS: &str = "select c.relnamespace, array_agg(distinct c.relowner) from pg_class c \
      left join pg_depend d on d.classid = 1259 and d.objid = c.oid and d.deptype = 'e' \
      where c.oid >= 16384 and c.relkind not in ('i', 'I', 't') and d.objid is null group by 1 \
    union all select p.pronamespace, array_agg(distinct p.proowner) from pg_proc p \
      left join pg_depend d on d.classid = 1255 and d.objid = p.oid and d.deptype = 'e' \
      where p.oid >= 16384 and d.objid is null group by 1";

const EXTENSIONS: &str = "select oid, extname::text from pg_extension";

const MEMBERS: &str = "select classid, objid, refobjid from pg_depend where deptype = 'e' and refclassid = 3079";

/// What Postgres makes together with something else: the functions and casts of a range type.
const INTERNAL: &str = "select distinct classid, objid from pg_depend where deptype = 'i' and classid in (1255, 2605)";

/// The schema in which specc keeps its own journal.
const OWN_SCHEMA: &str = "specc";

impl<'c> CatalogReader<'c> {
    pub fn new(mut transaction: Transaction<'c>, options: &Options) -> Result<Self, Error> {
        let row = transaction.query_one(DATABASE, &[])?;
        let (who, version): (Who, i32) = (Who { owner: row.get(0), connected: row.get(2) }, row.get(1));
        let version = version.unsigned_abs();
        if version < 150_000 {
            return Err(Error::TooOld(version / 10_000));
        }
        let mut reader = Self {
            transaction,
            version,
            owners: Owners::default(),
            owned: crate::owners::Owned::default(),
            roles: FxHashMap::default(),
            schemas: FxHashMap::default(),
            spaces: Vec::new(),
            types: Types::default(),
            relations: FxHashMap::default(),
            comments: FxHashMap::default(),
            extensions: FxHashMap::default(),
            members: FxHashMap::default(),
            identities: crate::sequences::Identities::default(),
            identity_sequences: FxHashMap::default(),
            column_types: FxHashMap::default(),
            column_access: FxHashMap::default(),
            constraint_indexes: FxHashMap::default(),
            generated: FxHashMap::default(),
            routine_access: Vec::new(),
            casts: Vec::new(),
            internal: FxHashSet::default(),
            entries: Vec::new(),
            found: FxHashMap::default(),
            doubtful: Vec::new(),
            mentioned: options.roles.iter().cloned().collect(),
            left_out: Vec::new(),
            invalid_indexes: Vec::new(),
            default_grantees: Grantees::default(),
        };
        for row in reader.query(ROLES, &[])? {
            let role = Role { oid: row.get(0), name: name(&row, 1), superuser: row.get(2), makes_roles: row.get(3) };
            reader.roles.insert(role.oid, role);
        }
        for row in reader.query(EXTENSIONS, &[])? {
            reader.extensions.insert(row.get(0), name(&row, 1));
        }
        for row in reader.query(MEMBERS, &[])? {
            reader.members.insert((row.get(0), row.get(1)), row.get(2));
        }
        for row in reader.query(INTERNAL, &[])? {
            reader.internal.insert((row.get(0), row.get(1)));
        }
        reader.read_schemas(who, options)?;
        Ok(reader)
    }

    fn read_schemas(&mut self, who: Who, options: &Options) -> Result<(), Error> {
        let rows = self.query(SCHEMAS, &[])?;
        let schemas: Vec<Schema> = rows
            .iter()
            .map(|row| Schema {
                oid: row.get(0),
                name: name(row, 1),
                owner: row.get(2),
                acl: row.get(3),
                extension: row.get(4),
                foreign_extension: row.get(5),
                on_path: row.get(6),
            })
            .filter(|schema| schema.name != OWN_SCHEMA && !self.members.contains_key(&(class::NAMESPACE, schema.oid)))
            .collect();
        let mut contents: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        if who.is_on_a_platform(&self.roles, &schemas) {
            for row in self.query(CONTENTS, &[])? {
                contents.entry(row.get(0)).or_default().extend(row.get::<_, Vec<u32>>(1));
            }
        }
        let (owners, belongs) = Owners::decide(who, &self.roles, &schemas, &contents, options);
        self.owners = owners;
        for (schema, belongs) in schemas.into_iter().zip(belongs) {
            match &belongs {
                Belongs::Theirs(why) => {
                    let what = smol_str::format_smolstr!("schema {}", schema.name);
                    self.left_out.push(LeftOut { what, why: why.clone() });
                }
                Belongs::Ours | Belongs::Shared => self.spaces.push(schema.oid),
            }
            self.schemas.insert(schema.oid, (schema, belongs));
        }
        Ok(())
    }

    /// Runs a query of this crate's.
    pub fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        Ok(self.transaction.query(sql, params)?)
    }

    /// The name of a schema.
    pub fn schema_name(&self, oid: u32) -> SmolStr {
        match self.schemas.get(&oid) {
            Some((schema, _)) => schema.name.clone(),
            None => self.types.schema_name(oid),
        }
    }

    /// Whether what is in a schema and belongs to a role is the project's.
    pub fn is_ours(&self, schema: u32, owner: u32, address: Address) -> bool {
        let placed = match self.schemas.get(&schema).map(|(_, belongs)| belongs) {
            Some(Belongs::Ours) => true,
            Some(Belongs::Shared) => owner == self.owners.owner,
            _ => false,
        };
        placed && !self.members.contains_key(&address) && !self.internal.contains(&address)
    }

    /// The name of a role.
    pub fn role_name(&self, oid: u32) -> SmolStr {
        self.roles.get(&oid).map(|role| role.name.clone()).unwrap_or_default()
    }

    /// The comment on an object.
    pub fn comment(&self, address: Address) -> Option<SmolStr> {
        self.comments.get(&(address.0, address.1, 0)).cloned()
    }

    /// The comment on a part of an object.
    pub fn comment_on(&self, address: Address, part: i16) -> Option<SmolStr> {
        self.comments.get(&(address.0, address.1, i32::from(part))).cloned()
    }

    /// Adds an entry for an object, with the object's comment and owner.
    pub fn add(&mut self, address: Address, object: impl Into<specc_catalog::Object>) -> Slot {
        let mut entry = Entry::new(object);
        entry.comment = self.comment(address);
        entry.owner = self.owner(address);
        self.mentioned.extend(entry.owner.clone());
        let slot = self.push(entry);
        self.found.insert(address, slot);
        slot
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) -> Slot {
        self.entries.push(entry);
        Slot(self.entries.len() - 1)
    }

    /// Adds a block of SQL.
    pub fn block(&mut self, block: Sql, depends: Vec<Dependency>) -> Slot {
        let mut entry = Entry::new(block);
        entry.depends = depends;
        self.push(entry)
    }

    /// Adds something that an entry needs.
    pub fn need(&mut self, slot: Slot, on: ObjectId, why: &'static str) {
        self.entries[slot.0].depends.push(Dependency::new(on, why));
    }

    /// The id of the entry that says an object.
    pub fn id_of(&self, address: Address) -> Option<ObjectId> {
        self.found.get(&address).map(|slot| self.entries[slot.0].object.id())
    }

    /// Says that something is not in the catalog.
    pub fn leave_out(&mut self, what: impl Into<SmolStr>, why: impl Into<SmolStr>) {
        self.left_out.push(LeftOut { what: what.into(), why: why.into() });
    }
}

/// A column of a row that is text.
pub(crate) fn name(row: &Row, at: usize) -> SmolStr {
    row.get::<_, &str>(at).into()
}

/// A column of a row that is text or null.
pub(crate) fn maybe(row: &Row, at: usize) -> Option<SmolStr> {
    row.get::<_, Option<&str>>(at).map(Into::into)
}

/// A column of a row that is one character.
pub(crate) fn letter(row: &Row, at: usize) -> char {
    row.get::<_, i8>(at) as u8 as char
}
