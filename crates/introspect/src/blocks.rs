//! Blocks of SQL for what no typed object can say.
//!
//! A block has what makes the thing, what takes it back, the ids that others may need, and the thing's comment. One
//! attribute too many of a typed object is a block of its own that needs the object.

use crate::reader::{Address, CatalogReader, Slot};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Dependency, Kind, ObjectId, Sql};
use specc_sql::quote;

/// A block in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    name: SmolStr,
    up: Vec<String>,
    down: Vec<String>,
    provides: Vec<ObjectId>,
    depends: Vec<Dependency>,
    says: Vec<Address>,
    mentions: Vec<SmolStr>,
}

impl Block {
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a statement that makes it, without semicolon.
    pub fn up(&mut self, statement: impl Into<String>) -> &mut Self {
        self.up.push(statement.into());
        self
    }

    /// Adds a statement that takes it back, without semicolon. They run in this order.
    pub fn down(&mut self, statement: impl Into<String>) -> &mut Self {
        self.down.push(statement.into());
        self
    }

    /// Adds a comment.
    pub fn comment(&mut self, on: &str, text: &str) -> &mut Self {
        self.up(format!("comment on {on} is {}", quote::literal(text)));
        if self.down.is_empty() {
            self.down(format!("comment on {on} is null"));
        }
        self
    }

    /// Adds the comment on an object, where it has one, and its owner, where that is no superuser: who makes it then is one.
    pub fn said_of(&mut self, reader: &CatalogReader<'_>, address: Address, on: &str) -> &mut Self {
        if let Some(text) = reader.comment(address) {
            self.comment(on, &text);
        }
        if let Some(owner) = reader.owner(address).filter(|owner| !reader.is_above(owner)) {
            let role = quote::ident(&owner);
            let give = format!("alter {on} owner to {role}");
            match reader.owned_in(address) {
                // Postgres wants the new owner to be allowed to create there.
                Some((schema, may)) if !may => {
                    let schema = quote::ident(&schema);
                    self.up(format!("grant create on schema {schema} to {role}")).up(give);
                    self.up(format!("revoke create on schema {schema} from {role}"));
                }
                Some((schema, _)) => {
                    let name = format_smolstr!("{} {schema}", Kind::Schema.word());
                    let grant = ObjectId::new(Kind::Grant, "", name).part(owner.clone());
                    self.up(give).needs(grant, "its owner has to be allowed to create there");
                }
                None => {
                    self.up(give);
                }
            }
            self.needs(ObjectId::new(Kind::Role, "", owner.clone()), "it belongs to this role");
            self.mentions.push(owner);
        }
        self
    }

    /// It makes this.
    pub fn provides(&mut self, id: ObjectId) -> &mut Self {
        self.provides.push(id);
        self
    }

    /// It needs this.
    pub fn needs(&mut self, on: ObjectId, why: &'static str) -> &mut Self {
        self.depends.push(Dependency::new(on, why));
        self
    }

    /// It is what says this object.
    pub fn says(&mut self, address: Address) -> &mut Self {
        self.says.push(address);
        self
    }

    /// Adds it to what was found.
    pub fn add(&mut self, reader: &mut CatalogReader<'_>) -> Slot {
        let text = |statements: &[String]| {
            let all: Vec<_> = statements.iter().map(|statement| ended(statement)).collect();
            all.join("\n")
        };
        let object = Sql {
            name: self.name.clone(),
            up: text(&self.up).into(),
            down: (!self.down.is_empty()).then(|| text(&self.down).into()),
            last: false,
            provides: std::mem::take(&mut self.provides),
        };
        let slot = reader.block(object, std::mem::take(&mut self.depends));
        reader.mentioned.extend(self.mentions.drain(..));
        for &address in &self.says {
            reader.found.insert(address, slot);
        }
        slot
    }
}

/// With a semicolon at the end.
fn ended(statement: &str) -> String {
    format!("{};", statement.trim().trim_end_matches(';'))
}
