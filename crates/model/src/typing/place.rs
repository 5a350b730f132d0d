//! Where an expression stands, what is wanted there, and what Postgres cannot evaluate there.

use crate::types::{FieldIx, Type};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A column's default.
    Default,
    /// A check of a table.
    Check,
    /// A check of a domain; the value is called `value`.
    DomainCheck,
    /// A generated column.
    Generated,
    /// An element or the condition of an index, a unique or an exclusion, or of a partition key.
    Index,
    /// The condition of a policy.
    Policy,
    /// The condition of a trigger or a webhook.
    TriggerWhen,
    /// The condition of a workflow step.
    Filter,
    /// The filter of a maintained value, the condition of a limit.
    Kept,
    /// How many rows a limit allows.
    Limit,
    /// A seed's value.
    Seed,
    /// The value for rows that are there already. What it names may be gone by now where that was done before, or nothing
    /// is known of what was there.
    Backfill {
        /// Whether it may.
        gone: bool,
    },
    /// Part of the query whose rows a new entity gets; as in a backfill, what it names may be gone.
    Origin {
        /// Whether it may.
        gone: bool,
    },
    /// What the values of this field of the row become in its new type.
    Using(FieldIx),
    /// A predicate's body.
    Predicate,
    /// Part of a query.
    Query,
}

/// What is wanted of an expression.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'t> {
    pub(crate) place: Place,
    pub(crate) want: Want<'t>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Want<'t> {
    Any,
    Boolean,
    Number,
    DomainCheck(&'t Type),
    Assign(&'t Type),
}

impl<'t> Expect<'t> {
    /// A value of any type.
    pub fn any(place: Place) -> Self {
        Self { place, want: Want::Any }
    }

    /// A condition.
    pub fn condition(place: Place) -> Self {
        Self { place, want: Want::Boolean }
    }

    /// The check of a domain over this type, which is called `value` in it.
    pub fn domain_check(ty: &'t Type) -> Self {
        Self { place: Place::DomainCheck, want: Want::DomainCheck(ty) }
    }

    /// A number of rows.
    pub fn number(place: Place) -> Self {
        Self { place, want: Want::Number }
    }

    /// A value that is stored in a column of this type.
    pub fn value(place: Place, ty: &'t Type) -> Self {
        Self { place, want: Want::Assign(ty) }
    }
}

impl Place {
    /// Whether it reads what the last state has; and then, whether a name that nothing has is taken as it is.
    pub(crate) fn reads_past(self) -> Option<bool> {
        match self {
            Place::Backfill { gone } | Place::Origin { gone } => Some(gone),
            _ => None,
        }
    }

    /// How the place is called in a message.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Place::Default => "a default",
            Place::Check => "a check",
            Place::DomainCheck => "a domain's check",
            Place::Generated => "a generated column",
            Place::Index => "an index",
            Place::Policy => "a policy",
            Place::TriggerWhen => "a trigger's condition",
            Place::Filter => "a filter",
            Place::Kept => "the condition of a count or a limit",
            Place::Limit => "a limit",
            Place::Seed => "a seed",
            Place::Backfill { .. } => "a backfill",
            Place::Origin { .. } => "the query of `from`",
            Place::Using(_) => "a change of type",
            Place::Predicate => "a predicate",
            Place::Query => "a query",
        }
    }

    /// Whether a subquery, and so a relation path, can stand here.
    pub(crate) fn subqueries(self) -> bool {
        !matches!(
            self,
            Place::Default
                | Place::Check
                | Place::DomainCheck
                | Place::Generated
                | Place::Index
                | Place::TriggerWhen
                | Place::Using(_)
        )
    }

    /// Whether only immutable functions can stand here.
    pub(crate) fn immutable(self) -> bool {
        matches!(self, Place::Generated | Place::Index | Place::Kept)
    }

    /// Whether columns can be named.
    pub(crate) fn columns(self) -> bool {
        self != Place::Default
    }

    /// What to write instead of a subquery or path.
    pub(crate) fn instead(self) -> &'static str {
        match self {
            Place::Default => "write a value or a function, or fill the column in a trigger",
            Place::Check => "a check sees one row; use a trigger, or a reference to the other entity",
            Place::DomainCheck => "a domain's check sees the value alone",
            Place::Generated => "a generated column sees its own row; use a maintained value or a trigger",
            Place::Using(_) => "it sees its own row; fill a new field with `backfill`",
            Place::Index => "an index sees one row; store the value in a column and index that",
            _ => "look it up in the trigger's function",
        }
    }
}
