//! A catalog in the making.

use crate::types;
use crate::{Imported, LeftOut};
use smol_str::SmolStr;
use specc_catalog::{
    Action, Column, Constraint, DataType, Entry, Enum, Extension, ForeignKey, Index, IndexKey, KeyOn, Kind, Object,
    ObjectId, Rls, Rule, Schema, Sequence, SequenceOptions, SqlExpr, Table, TableName, clip,
};

/// Postgres keeps so many bytes of a name.
const LONGEST: usize = specc_catalog::LONGEST_NAME;

/// What was made so far.
#[derive(Default)]
pub struct Made {
    pub done: Imported,
}

/// `on delete`, `on update`: `SetNull`, `set null`, `SET NULL`.
pub fn action(words: &str) -> Option<Action> {
    let plain: String = words.chars().filter(|c| c.is_alphabetic()).collect();
    Some(match plain.to_lowercase().as_str() {
        "noaction" => Action::NoAction,
        "restrict" => Action::Restrict,
        "cascade" => Action::Cascade,
        "setnull" => Action::SetNull,
        "setdefault" => Action::SetDefault,
        _ => return None,
    })
}

/// A name that is cut so that its end stays.
pub fn named(start: &str, end: &str) -> SmolStr {
    format!("{}{end}", clip(start, LONGEST - end.len())).into()
}

/// A key over an expression.
pub fn expression(text: &str) -> IndexKey {
    IndexKey { on: KeyOn::Expr(SqlExpr::new(text)), ..IndexKey::column("") }
}

impl Made {
    /// Says that something is not in a database.
    pub fn left_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.done.left_out.push(LeftOut { what: what.into(), why: why.into() });
    }

    /// Adds an object; one that has its name already is left out.
    pub fn add(&mut self, object: impl Into<Object>) {
        self.add_with(object, None);
    }

    fn add_with(&mut self, object: impl Into<Object>, comment: Option<SmolStr>) {
        let entry = Entry { comment, ..Entry::new(object) };
        let id = entry.object.id();
        if id.kind != Kind::Schema {
            self.schema(&id.schema);
        }
        if self.done.catalog.insert_new(id.clone(), entry).is_err()
            && !matches!(id.kind, Kind::Schema | Kind::Extension)
        {
            self.left_out(id.to_string(), "the schema has another one of this name");
        }
    }

    /// Makes a schema, if it is not there in every database.
    fn schema(&mut self, name: &str) {
        let there = name.is_empty() || name == "public" || specc_facts::is_system_schema(name);
        let id = ObjectId::new(Kind::Schema, "", name);
        if !there && !self.done.catalog.contains(&id) {
            self.add(Schema { name: name.into() });
        }
    }

    /// Makes an extension.
    pub fn extension(&mut self, name: &str, schema: &str) {
        self.schema(schema);
        self.add(Extension { name: name.into(), schema: schema.into(), version: None });
    }

    /// Reads a type; `of` is whose it is. What brings it is made.
    pub fn ty(&mut self, text: &str, of: &str) -> DataType {
        let Some(written) = types::read(text) else {
            self.left_out(format!("{of}: {text}"), "it is no type of Postgres; the column is text");
            return DataType::builtin("text");
        };
        if let Some(lost) = written.lost {
            self.left_out(format!("{of}: {lost} of its type"), "specc writes numbers there only");
        }
        if written.ty.schema.is_empty()
            && let Some(extension) = specc_facts::extension_of_type(&written.ty.name)
        {
            self.extension(extension, "");
        }
        written.ty
    }

    pub fn enumeration(&mut self, schema: &str, name: &str, labels: Vec<SmolStr>) {
        self.add(Enum { schema: schema.into(), name: name.into(), labels });
    }

    pub fn table(&mut self, table: &TableName, columns: Vec<Column>, rls: Rls, comment: Option<SmolStr>) {
        let table = Table {
            table: table.clone(),
            columns,
            unlogged: false,
            partition_by: None,
            partition_of: None,
            inherits: Vec::new(),
            rls,
            options: Default::default(),
            replica_identity: None,
        };
        self.add_with(table, comment);
    }

    /// A number that a sequence of the column's own gives.
    pub fn serial(&mut self, table: &TableName, column: &mut Column) {
        let sequence = specc_catalog::sequence_of(table, &column.name);
        let spelled =
            format!("{}.{}", specc_sql::quote::ident(&sequence.schema), specc_sql::quote::ident(&sequence.name));
        let next = format!("nextval({}::regclass)", specc_sql::quote::literal(&spelled));
        column.default = Some(SqlExpr::new(next));
        self.add(Sequence {
            schema: sequence.schema,
            name: sequence.name,
            ty: Some(column.ty.clone()).filter(|ty| ty.name != "bigint"),
            options: SequenceOptions::default(),
            owned_by: Some((table.clone(), column.name.clone())),
        });
    }

    pub fn rule(&mut self, table: &TableName, name: impl Into<SmolStr>, rule: Rule) {
        self.add(Constraint {
            table: table.clone(),
            name: name.into(),
            rule,
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
        });
    }

    pub fn primary_key(&mut self, table: &TableName, name: impl Into<SmolStr>, columns: Vec<SmolStr>) {
        self.rule(table, name, Rule::PrimaryKey { columns, include: Vec::new() });
    }

    pub fn unique(&mut self, table: &TableName, name: impl Into<SmolStr>, columns: Vec<SmolStr>, alike: bool) {
        self.rule(table, name, Rule::Unique { columns, include: Vec::new(), nulls_not_distinct: alike });
    }

    pub fn index(
        &mut self,
        table: &TableName,
        name: impl Into<SmolStr>,
        unique: bool,
        method: &str,
        keys: Vec<IndexKey>,
    ) {
        self.filtered(table, name, unique, method, keys, None);
    }

    /// An index of some rows.
    pub fn filtered(
        &mut self,
        table: &TableName,
        name: impl Into<SmolStr>,
        unique: bool,
        method: &str,
        keys: Vec<IndexKey>,
        filter: Option<&str>,
    ) {
        self.add(Index {
            table: table.clone(),
            name: name.into(),
            unique,
            method: method.to_lowercase().into(),
            keys,
            include: Vec::new(),
            filter: filter.map(SqlExpr::new),
            options: Default::default(),
            nulls_not_distinct: false,
        });
    }

    /// A reference: `from` and `to` with their columns, `on delete`, `on update`.
    pub fn reference(
        &mut self,
        name: impl Into<SmolStr>,
        (from, columns): (&TableName, Vec<SmolStr>),
        (to, target_columns): (&TableName, Vec<SmolStr>),
        [on_delete, on_update]: [Action; 2],
    ) {
        let key = ForeignKey {
            columns,
            target: to.clone(),
            target_columns,
            on_delete,
            on_delete_columns: Vec::new(),
            on_update,
            match_full: false,
        };
        self.rule(from, name, Rule::ForeignKey(key));
    }
}
