//! What a change to something that is there does to those who use it meanwhile, and to data.

use crate::alter::{Alter, TypeChange, type_change};
use crate::convert::Convert;
use crate::effects::{Lock, Loss, Transaction};
use specc_catalog::{Column, Kind, Object, Qualified, Rule, TableName};

/// Whether the column's own values have to be worked out when it is added.
fn computes(column: &Column) -> bool {
    column.generated.is_some() && !column.virtual_generated || column.identity.is_some()
}

impl<'a> Alter<'a> {
    /// Names each table that it locks, how, and whether it reads it in full.
    pub(crate) fn each_lock(&self, mut f: impl FnMut(&'a TableName, Lock, bool)) {
        use Lock::{AccessExclusive, RowExclusive, ShareRowExclusive, ShareUpdateExclusive};
        match self {
            Alter::Rename { from, .. } | Alter::SetSchema { from, .. } => match from {
                Object::Table(o) => f(&o.table, AccessExclusive, false),
                Object::View(o) => f(&o.view, AccessExclusive, false),
                Object::Constraint(_) | Object::Trigger(_) | Object::Policy(_) => {
                    if let Some(table) = from.table() {
                        f(table, AccessExclusive, false);
                    }
                }
                _ => {}
            },
            Alter::RenamePart { table, .. } => {
                if let Some(table) = table {
                    f(table, AccessExclusive, false);
                }
            }
            Alter::AddColumn { table, column, each_row } => {
                f(table, AccessExclusive, *each_row || computes(column));
            }
            Alter::ValidateDomainCheck(_, _, tables) | Alter::AddDomainCheck(_, _, Some(tables)) => {
                tables.iter().for_each(|table| f(table, Lock::Share, true))
            }
            Alter::DomainNull(domain, tables) if !domain.nullable => {
                tables.iter().for_each(|table| f(table, Lock::Share, true));
            }
            Alter::DropColumn { table, .. }
            | Alter::DropNotNull { table, .. }
            | Alter::SetIdentity { table, .. }
            | Alter::DropExpression { table, .. }
            | Alter::HandOver { table, .. }
            | Alter::NameRequired { table, .. }
            | Alter::SetCompression { table, .. } => f(table, AccessExclusive, false),
            Alter::SetType { table, from, to, .. } => {
                f(table, AccessExclusive, type_change(from, to) == TypeChange::Rewrite);
            }
            Alter::SetNotNull { table, proven, .. } => f(table, AccessExclusive, !proven),
            Alter::SetOptions { of: Object::Table(o), .. } => f(&o.table, ShareUpdateExclusive, false),
            Alter::SetOptions { .. } => {}
            Alter::SetLogged { table, .. } => f(table, AccessExclusive, true),
            Alter::AddNotValid(o) => match &o.rule {
                Rule::ForeignKey(key) => {
                    f(&o.table, ShareRowExclusive, false);
                    if key.target != o.table {
                        f(&key.target, ShareRowExclusive, false);
                    }
                }
                _ => f(&o.table, AccessExclusive, false),
            },
            Alter::AddUsingIndex(o, _) => f(&o.table, AccessExclusive, false),
            Alter::Backfill { table, .. } | Alter::Unfill { table, .. } => f(table, RowExclusive, true),
            Alter::DropMoved { table, .. } => f(&table.table, AccessExclusive, false),
            Alter::FillTable(o) => {
                f(&o.source.table, if o.at_once { ShareRowExclusive } else { Lock::RowShare }, true);
                f(o.table, RowExclusive, true);
            }
            Alter::InsertFrom(o) => {
                o.of.iter().for_each(|of| f(of, ShareRowExclusive, true));
                f(o.table, RowExclusive, true);
            }
            Alter::Count { table, of, .. } => {
                of.iter().filter(|of| *of != table).for_each(|of| f(of, ShareRowExclusive, true));
                f(table, ShareRowExclusive, true);
            }
            Alter::AwaitWriters(table) => f(table, ShareRowExclusive, false),
            Alter::RefuseLabels { table, .. } | Alter::Convert(Convert { table, .. }) => {
                f(table, Lock::AccessShare, true)
            }
            Alter::RefuseRows(misfit) => {
                f(misfit.table, Lock::AccessShare, true);
                misfit.other.into_iter().for_each(|other| f(other, Lock::AccessShare, true));
            }
            Alter::ReturnRows { partition, .. } => {
                f(&partition.table, Lock::AccessShare, true);
                if let Some((parent, _)) = &partition.partition_of {
                    f(parent, RowExclusive, false);
                }
            }
            Alter::HoldRows { partition, .. } => f(&partition.table, RowExclusive, true),
            Alter::ReleaseRows { partition, .. } => {
                if let Some((parent, _)) = &partition.partition_of {
                    f(parent, RowExclusive, false);
                }
            }
            Alter::MoveRows { partition, rest, .. } => {
                f(rest, RowExclusive, true);
                if let Some((parent, _)) = &partition.partition_of {
                    f(parent, RowExclusive, false);
                }
            }
            Alter::SetPolicy { to, .. } => f(&to.table, AccessExclusive, false),
            Alter::SetTrigger(o) => f(&o.table, ShareRowExclusive, false),
            Alter::Attach { partition } => {
                f(&partition.table, AccessExclusive, true);
                if let Some((parent, _)) = &partition.partition_of {
                    f(parent, ShareUpdateExclusive, false);
                }
            }
            Alter::Detach { partition } => {
                f(&partition.table, AccessExclusive, false);
                if let Some((parent, _)) = &partition.partition_of {
                    f(parent, AccessExclusive, false);
                }
            }
            Alter::Inherit { table, parent, .. } => {
                f(table, AccessExclusive, false);
                f(parent, ShareUpdateExclusive, false);
            }
            Alter::AddLabel { .. }
            | Alter::DomainDefault(_)
            | Alter::DomainNull(..)
            | Alter::DropDomainCheck(..)
            | Alter::RenameDomainCheck { .. }
            | Alter::AddDomainCheck(_, _, None)
            | Alter::AddAttribute(..)
            | Alter::DropAttribute(..)
            | Alter::SetAttribute(..)
            | Alter::SetSequence { .. }
            | Alter::SetRole { .. }
            | Alter::CopySequence { .. }
            | Alter::SetExtension { .. } => {}
        }
    }

    /// The table that it is about, where that is one.
    pub(crate) fn table(&self) -> Option<&'a TableName> {
        match self {
            Alter::Rename { from, .. } | Alter::SetSchema { from, .. } => match from {
                Object::Table(o) => Some(&o.table),
                other => other.table(),
            },
            Alter::RenamePart { of, table, .. } => table.filter(|_| of.kind == Kind::Table),
            Alter::AddColumn { table, .. }
            | Alter::DropColumn { table, .. }
            | Alter::CopySequence { table, .. }
            | Alter::RefuseLabels { table, .. }
            | Alter::Convert(Convert { table, .. })
            | Alter::SetType { table, .. }
            | Alter::SetNotNull { table, .. }
            | Alter::DropNotNull { table, .. }
            | Alter::SetIdentity { table, .. }
            | Alter::DropExpression { table, .. }
            | Alter::SetCompression { table, .. }
            | Alter::SetLogged { table, .. }
            | Alter::Inherit { table, .. }
            | Alter::Backfill { table, .. }
            | Alter::Unfill { table, .. }
            | Alter::Count { table, .. }
            | Alter::MoveRows { rest: table, .. }
            | Alter::HandOver { table, .. }
            | Alter::NameRequired { table, .. }
            | Alter::AwaitWriters(table) => Some(table),
            Alter::SetOptions { of: Object::Table(o), .. } => Some(&o.table),
            Alter::RefuseRows(misfit) => Some(misfit.table),
            Alter::FillTable(o) => Some(&o.source.table),
            Alter::InsertFrom(o) => o.of.first().copied(),
            Alter::DropMoved { table, .. } => Some(&table.table),
            Alter::AddNotValid(o) | Alter::AddUsingIndex(o, _) => Some(&o.table),
            Alter::SetPolicy { to, .. } => Some(&to.table),
            Alter::SetTrigger(o) => Some(&o.table),
            Alter::Attach { partition }
            | Alter::Detach { partition }
            | Alter::ReturnRows { partition, .. }
            | Alter::HoldRows { partition, .. }
            | Alter::ReleaseRows { partition, .. } => Some(&partition.table),
            _ => None,
        }
    }

    /// Whether the whole table is written anew.
    pub(crate) fn rewrites(&self) -> bool {
        match self {
            Alter::AddColumn { column, each_row, .. } => *each_row || computes(column),
            Alter::SetType { from, to, .. } => type_change(from, to) == TypeChange::Rewrite,
            Alter::SetLogged { .. } => true,
            _ => false,
        }
    }

    /// Its transaction.
    pub(crate) fn transaction(&self) -> Transaction {
        match self {
            Alter::Backfill { at_once, .. } if !at_once => Transaction::Outside,
            Alter::FillTable(o) if !o.at_once => Transaction::Outside,
            Alter::AddLabel { .. } => Transaction::Own,
            _ => Transaction::Shared,
        }
    }

    /// What is lost.
    pub(crate) fn loses(&self) -> Vec<Loss> {
        let one = match self {
            Alter::DropMoved { table, leaves, .. } => {
                let lost = |column: &&str| Loss::Values { table: table.table.clone(), column: (*column).into() };
                return leaves.iter().map(lost).collect();
            }
            Alter::DropColumn { table, column, kept: false, .. } if column.generated.is_none() => {
                Some(Loss::Values { table: (*table).clone(), column: column.name.clone() })
            }
            Alter::Count { table, by_hand: Some(column), .. } => {
                Some(Loss::Values { table: (*table).clone(), column: column.name.clone() })
            }
            Alter::Convert(o) => o.loses(),
            Alter::DropAttribute(o, name) => Some(Loss::Attribute {
                ty: Qualified::new(o.schema.clone(), o.name.clone()),
                attribute: (*name).into(),
            }),
            _ => None,
        };
        one.into_iter().collect()
    }
}
