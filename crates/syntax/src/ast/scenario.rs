//! Examples of what people do, and what comes of it.

use super::{At, Name, QName, RawExpr, SeedRow, StrLit};

/// `scenario 'what people see' [in dev] { parts }`: over the rows of `base` and of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioDecl {
    /// The sentence.
    pub text: Name,
    /// The environment.
    pub env: Option<Name>,
    pub parts: Vec<ScenarioPart>,
}

/// What happens, in the order written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScenarioPart {
    /// `given { rows }`
    Given {
        rows: Vec<SeedRow>,
        at: At,
    },
    As(ActorDecl),
}

/// `as [role] ben [in role] [claims '{"aal": "aal2"}'] { steps }`: the label of a row of the viewer's entity, or a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorDecl {
    pub who: Name,
    /// `role` stands before it.
    pub is_role: bool,
    /// The role of the session of whom the label names.
    pub role: Option<Name>,
    pub claims: Option<StrLit>,
    pub steps: Vec<StepDecl>,
    pub at: At,
}

/// What is asked or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDecl {
    pub kind: StepKind,
    pub at: At,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// `events -> only launch, workshop`
    Rows { entity: QName, rows: RowsDecl },
    /// `allow|deny try [with 'P0001']`
    Try { deny: bool, what: TryDecl, code: Option<StrLit> },
}

/// Which rows are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsDecl {
    /// `none`
    None,
    /// `all`
    All,
    /// `3 rows`
    Count(u64),
    /// `only launch, workshop`
    Only(Vec<Name>),
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryDecl {
    /// `insert events { title: 'Launch' }`
    Insert { entity: QName, fields: Vec<(Name, RawExpr)> },
    /// `update launch { title: 'x' }`, `update events launch { title: 'x' }`
    Update { row: RowRef, fields: Vec<(Name, RawExpr)> },
    /// `delete launch`
    Delete { row: RowRef },
    /// `call accept_invitation('token')`: the arguments in their brackets.
    Call { function: QName, args: RawExpr },
}

/// A labelled row, with its entity where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRef {
    pub entity: Option<QName>,
    pub label: Name,
}
