//! What takes a statement back.

use crate::statement::{Statement, display};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::Object;

/// What takes a statement back.
#[derive(Clone, Debug, PartialEq)]
pub enum Undo<'a> {
    /// These, in this order.
    Do(Vec<Statement<'a>>),
    /// Nothing has to be done: it goes with its object.
    Nothing,
    /// It stays, for this reason.
    Stays(SmolStr),
    /// It cannot be taken back, for this reason.
    Impossible(SmolStr),
}

impl<'a> Statement<'a> {
    /// What takes it back.
    pub fn undo(&self) -> Undo<'a> {
        match self {
            Statement::Create(Object::Extension(o)) => {
                Undo::Stays(format_smolstr!("extension {}: other objects of the database may use it", o.name))
            }
            Statement::Create(Object::Sql(o)) => Statement::RunSql(o).undo(),
            Statement::RunSql(o) => match o.down {
                Some(_) => Undo::Do(vec![Statement::RunDown(o)]),
                None => Undo::Impossible(format_smolstr!("sql block {}: it has no `down`", o.name)),
            },
            Statement::Create(Object::Seed(seed)) => Undo::Do(vec![Statement::DeleteSeed(seed)]),
            Statement::InsertSeed { seed, .. } => Undo::Do(vec![Statement::DeleteSeed(seed)]),
            Statement::Create(object) => Undo::Do(vec![Statement::Drop(object)]),
            Statement::CreateTable { table, .. } => Undo::Do(vec![Statement::DropTable(table)]),
            Statement::SetRls { table, from, to } => Undo::Do(vec![Statement::SetRls { table, from: *to, to: *from }]),
            Statement::Grant(access) => Undo::Do(vec![Statement::Revoke(access.clone())]),
            Statement::SetDefault { table, column, default: Some(_) } => {
                Undo::Do(vec![Statement::SetDefault { table, column, default: None }])
            }
            Statement::Comment { on, text: Some(_) } => Undo::Do(vec![Statement::Comment { on: *on, text: None }]),
            Statement::CommentColumn { table, column, text: Some(_) } => {
                Undo::Do(vec![Statement::CommentColumn { table, column, text: None }])
            }
            Statement::Alter(change) => change.undo(),
            Statement::Drop(object) => match object {
                Object::Table(o) => Undo::Impossible(format_smolstr!("the rows of {} are gone", display(&o.table))),
                other => Undo::Do(vec![Statement::Create(other)]),
            },
            Statement::SetReplicaIdentity { table, identity: Some(_) } => {
                Undo::Do(vec![Statement::SetReplicaIdentity { table, identity: None }])
            }
            Statement::Revoke(_)
            | Statement::AdvanceSequence { .. }
            | Statement::SetStorage { .. }
            | Statement::Validate(_) => Undo::Nothing,
            Statement::Replace(object) => {
                Undo::Impossible(format_smolstr!("{}: its text before is not known here", object.id()))
            }
            Statement::OwnSequence(sequence) => Undo::Do(vec![Statement::DisownSequence(sequence)]),
            Statement::DisownSequence(sequence) => Undo::Do(vec![Statement::OwnSequence(sequence)]),
            Statement::DeleteSeed(seed) => Undo::Do(vec![Statement::InsertSeed { seed, table: None }]),
            Statement::RunDown(sql) => Undo::Do(vec![Statement::RunSql(sql)]),
            Statement::SetDefault { default: None, .. }
            | Statement::Comment { text: None, .. }
            | Statement::CommentColumn { text: None, .. }
            | Statement::SetReplicaIdentity { identity: None, .. } => {
                Undo::Impossible(SmolStr::new_static("what was there before is not known here"))
            }
            Statement::CreateIndexConcurrently(index) => Undo::Do(vec![Statement::DropIndexConcurrently(index)]),
            Statement::DropIndexConcurrently(index) => Undo::Do(vec![Statement::CreateIndexConcurrently(index)]),
            Statement::DropTable(table) => {
                Undo::Impossible(format_smolstr!("the rows of {} are gone", display(&table.table)))
            }
        }
    }
}
