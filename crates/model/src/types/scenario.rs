//! Examples of what people do, and what comes of it.

use super::{EntityId, SeedRow, SeedSet, SeedValue};
use smol_str::SmolStr;
use specc_diag::Span;

/// What happens over the rows of `base`, of an environment and of its own.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The sentence.
    pub text: SmolStr,
    pub doc: Option<SmolStr>,
    /// `base` alone, or this one too.
    pub env: SmolStr,
    pub parts: Vec<ScenarioPart>,
    pub span: Span,
}

/// What happens, in this order.
#[derive(Clone, Debug)]
pub enum ScenarioPart {
    /// Rows that are there from now on.
    Given(SeedSet),
    As(Actor),
}

/// Who does the steps.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The labelled row of the viewer's entity.
    pub viewer: Option<(EntityId, SmolStr)>,
    /// The role of the session.
    pub role: SmolStr,
    /// More claims: a JSON object.
    pub claims: Option<SmolStr>,
    pub steps: Vec<ScenarioStep>,
    pub span: Span,
}

/// What is asked or tried.
#[derive(Clone, Debug)]
pub struct ScenarioStep {
    pub kind: ScenarioStepKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ScenarioStepKind {
    /// Which rows of an entity are seen.
    Rows(EntityId, SeenRows),
    /// What is let through, or refused; with this SQLSTATE, where one is written.
    Try { deny: bool, what: Try, code: Option<SmolStr> },
}

/// Which rows are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenRows {
    None,
    /// As many as there are.
    All,
    Count(u64),
    /// These labelled ones, and no other.
    Only(Vec<SmolStr>),
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Try {
    /// The values of a row without a label.
    Insert(SeedRow),
    /// The label of a row, and its new values.
    Update(SmolStr, SeedRow),
    Delete(EntityId, SmolStr),
    /// The function's place in the model, and its arguments.
    Call(usize, Vec<SeedValue>),
}
