//! Whether a role may do something to rows that satisfy a condition, by which rules, and what would turn the answer.

mod changes;
mod nearest;
mod parts;
mod reasons;
mod spelled;

pub(crate) use changes::asks_of;
pub use changes::{Change, Edit, Opened};
pub use parts::conjuncts;
pub use reasons::Reason;

use crate::access::{Right, Role, is_given};
use crate::case::Case;
use crate::circuit::Lit;
use crate::scene::{Scene, Stage};
use crate::sorts::Sorts;
use crate::verdict::Verdict;
use rayon::prelude::*;
use smol_str::SmolStr;
use specc_diag::{FileId, Span};
use specc_facts::{Family, family};
use specc_model::effective::{bypasses, is_service};
use specc_model::formula::Formula;
use specc_model::{Base, EntityId, ExprRef, FieldIx, Model, Rls, RuleAction, Type};

/// What somebody wants to know.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Who does it.
    pub role: SmolStr,
    /// What is done.
    pub command: RuleAction,
    /// To rows of which entity.
    pub entity: EntityId,
    /// To these columns at least; an update gives each of them another value.
    pub columns: Vec<FieldIx>,
    /// To rows that satisfy this: as they are before, or for an insert as they will be.
    pub condition: Option<ExprRef>,
}

impl Asking {
    fn formula(&self) -> Option<&Formula> {
        self.condition.as_ref().map(|expr| &expr.formula)
    }
}

/// Whether it may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To every such row.
    Always,
    /// To some of them.
    Sometimes,
    /// To none.
    Never,
    /// No row can satisfy the condition.
    NoRow,
    /// It depends on what is not modelled, which stands there; nowhere, if it takes too many steps to decide.
    Unknown(Vec<Span>),
}

/// An answer with its reasons.
pub struct Why {
    /// Whether it may be done.
    pub answer: Answer,
    /// Whether so few rows as were looked at decide.
    pub complete: bool,
    /// Where it is not known whether every such row is let through: what that depends on.
    pub open: Vec<Span>,
    /// What each rule has to do with it.
    pub reasons: Vec<Reason>,
    /// A database in which it may be done.
    pub allowed: Option<Case>,
    /// One in which it may not.
    pub denied: Option<Case>,
    /// What would have to be different in the rows of that one.
    pub data: Vec<String>,
    /// Changes of the spec that turn the answer, those that open least first.
    pub changes: Vec<Change>,
}

/// What was decided.
struct Decided {
    answer: Answer,
    complete: bool,
    open: Vec<Span>,
    allowed: Option<Case>,
    denied: Option<Case>,
}

impl Decided {
    fn plain(answer: Answer) -> Self {
        Self { answer, complete: true, open: Vec::new(), allowed: None, denied: None }
    }
}

/// Answers a question about a model. `own` says which files can be changed.
pub fn why(model: &Model, asking: &Asking, own: impl Fn(FileId) -> bool) -> Why {
    let beside: Vec<_> = asking.formula().map(|formula| (asking.entity, formula)).into_iter().collect();
    let sorts = Sorts::with(&[model], &beside);
    let asked =
        Asked { stage: Stage { model, other: None, sorts: &sorts }, asking, role: Role::new(model, &asking.role) };
    let Decided { mut answer, complete, open, mut allowed, mut denied } = asked.decide();
    if let Some(block) = crate::aside::opened_by_block(model, asking.entity) {
        answer = Answer::Unknown(vec![block.meta.span]);
    }
    let reasons = reasons::of(&asked, &answer);
    let mut data = Vec::new();
    if answer == Answer::Sometimes
        && let Some(near) = nearest::pair(&asked)
    {
        data = near.steps;
        (allowed, denied) = (Some(near.allowed), Some(near.denied));
    }
    let changes = match answer {
        Answer::Sometimes | Answer::Never => changes::that_turn(&asked, &answer, own),
        _ => Vec::new(),
    };
    Why { answer, complete, open, reasons, allowed, denied, data, changes }
}

/// Answers many questions, without reasons.
pub fn answers(model: &Model, asking: &[Asking]) -> Vec<Answer> {
    let beside: Vec<_> = asking.iter().filter_map(|a| a.formula().map(|formula| (a.entity, formula))).collect();
    let sorts = Sorts::with(&[model], &beside);
    let stage = Stage { model, other: None, sorts: &sorts };
    let of = |asking: &Asking| match crate::aside::opened_by_block(model, asking.entity) {
        Some(block) => Answer::Unknown(vec![block.meta.span]),
        None => Asked { stage, asking, role: Role::new(model, &asking.role) }.answer(),
    };
    asking.par_iter().map(of).collect()
}

/// A question on its stage.
struct Asked<'m> {
    stage: Stage<'m>,
    asking: &'m Asking,
    role: Role,
}

impl<'m> Asked<'m> {
    fn right(&self, command: RuleAction) -> Option<Right<'m>> {
        Right::of(self.stage.model, self.asking.entity, &self.role, command)
    }

    /// Whether a statement finds its rows by reading them.
    fn reads(&self) -> bool {
        matches!(self.asking.command, RuleAction::Update | RuleAction::Delete)
    }

    /// The columns that a write gives or changes: those asked about, or else all that can be.
    fn written(&self, right: &Right<'m>) -> Vec<FieldIx> {
        let columns = right.columns();
        match self.asking.columns.as_slice() {
            [] => columns,
            asked => columns.into_iter().filter(|field| asked.contains(field)).collect(),
        }
    }

    /// The columns that a write could give or change if every rule let it.
    fn givable(&self) -> Vec<FieldIx> {
        let entity = self.stage.model.entity(self.asking.entity);
        (0..entity.fields.len()).filter(|field| is_given(entity, self.asking.command, *field)).collect()
    }

    /// Columns asked about that the right does not have.
    fn closed(&self, right: &Right<'m>) -> Vec<FieldIx> {
        let columns = right.columns();
        self.asking.columns.iter().copied().filter(|field| !columns.contains(field)).collect()
    }

    /// A database for the question, with what is asked of the row beside: each whether it has to hold.
    fn scene(&self, columns: &[FieldIx], beside: Vec<(&'m Formula, bool)>) -> Scene<'m> {
        let id = self.asking.entity;
        let condition = self.asking.formula().map(|formula| (formula, true));
        let asked = condition.into_iter().chain(beside).map(|(formula, holds)| (id, formula, holds));
        Scene::new(self.stage, &self.role, self.asking.command, self.stage.model.entity(id), columns, asked)
    }

    /// That there is a row that satisfies the condition.
    fn given(&self, scene: &mut Scene<'m>) -> Lit {
        let there = scene.there();
        match self.asking.formula() {
            Some(formula) => {
                let holds = scene.is(formula);
                scene.world.circuit.and(there, holds)
            }
            None => there,
        }
    }

    /// A database in which it may be done, or (`holds` false) may not be, with the wires for both.
    fn tried(&self, right: &Right<'m>, holds: bool) -> (Scene<'m>, Lit, Lit) {
        let select = self.reads().then(|| self.right(RuleAction::Select)).flatten();
        let mut asked = right.conditions();
        asked.extend(select.iter().flat_map(|select| select.conditions()));
        asked.iter_mut().for_each(|(_, wanted)| *wanted = *wanted == holds);
        // Some row can be changed if it can be in any way; every row can be if each can where nothing becomes different.
        let touched = match (holds, self.asking.command) {
            (false, RuleAction::Update) if self.asking.columns.is_empty() => Some(self.touched(right)),
            _ => None,
        };
        let columns = touched.map_or_else(|| self.written(right), |field| field.into_iter().collect());
        let mut scene = self.scene(&columns, asked);
        let mut given = self.given(&mut scene);
        if let Some(Some(field)) = touched {
            let kept = scene.keeps(field);
            given = scene.world.circuit.and(given, kept);
        }
        // Whoever asks about columns wants to change them.
        if self.asking.command == RuleAction::Update {
            for field in &self.asking.columns {
                let kept = scene.keeps(*field);
                given = scene.world.circuit.and(given, !kept);
            }
        }
        let mut allowed = scene.allowed(Some(right));
        if self.reads() {
            let seen = scene.seen(select.as_ref());
            allowed = scene.world.circuit.and(allowed, seen);
        }
        let (yes, no) = (scene.world.circuit.and(given, allowed), scene.world.circuit.and(given, !allowed));
        (scene, yes, no)
    }

    /// A column that an update sets to what it is: one whose values are easily written, if there is one.
    fn touched(&self, right: &Right<'m>) -> Option<FieldIx> {
        let entity = self.stage.model.entity(self.asking.entity);
        let is_key = |field: &FieldIx| entity.key.as_ref().is_some_and(|key| key.fields.contains(field));
        let plain = |field: &FieldIx| match &entity.fields[*field].ty {
            ty if ty.dims > 0 => false,
            Type { base: Base::Builtin(name), .. } => {
                let family = family(name);
                family.is_number() || matches!(family, Family::Text | Family::Boolean | Family::Uuid)
            }
            ty => matches!(ty.base, Base::Enum(_)),
        };
        right.columns().into_iter().filter(|field| !is_key(field)).find(plain)
    }

    /// The answer where no rule is asked: what is granted is all there is.
    fn past_rules(&self) -> Option<Answer> {
        let (model, command, role) = (self.stage.model, self.asking.command, &self.role);
        let entity = model.entity(self.asking.entity);
        let free = bypasses(model, &role.name);
        if !free && entity.rls != Rls::Off {
            return None;
        }
        let granted = !crate::access::grants(model, entity.id, role, command).is_empty();
        let allowed = is_service(model, &role.name) || granted || free && self.right(command).is_some();
        Some(if allowed { Answer::Always } else { Answer::Never })
    }

    /// Whether it may be done, without examples.
    fn answer(&self) -> Answer {
        if let Some(answer) = self.past_rules() {
            return answer;
        }
        let Some(right) = self.right(self.asking.command).filter(|right| self.closed(right).is_empty()) else {
            return Answer::Never;
        };
        let (scene, yes, _) = self.tried(&right, true);
        match scene.verdict(yes) {
            Verdict::Proven { .. } | Verdict::Checked { .. } => return Answer::Never,
            Verdict::OutOfFragment { because } => return Answer::Unknown(because),
            Verdict::TooLarge => return Answer::Unknown(Vec::new()),
            Verdict::Counterexample(_) => {}
        }
        let (scene, _, no) = self.tried(&right, false);
        match scene.verdict(no) {
            Verdict::Proven { .. } | Verdict::Checked { .. } => Answer::Always,
            Verdict::TooLarge => Answer::Unknown(Vec::new()),
            Verdict::OutOfFragment { .. } | Verdict::Counterexample(_) => Answer::Sometimes,
        }
    }

    fn decide(&self) -> Decided {
        if let Some(answer) = self.past_rules() {
            return Decided::plain(answer);
        }
        let right = self.right(self.asking.command).filter(|right| self.closed(right).is_empty());
        let Some(right) = right else { return self.nothing(true) };
        let (scene, yes, _) = self.tried(&right, true);
        let allowed = match scene.decide(yes) {
            Verdict::Proven { .. } => return self.nothing(true),
            Verdict::Checked { .. } => return self.nothing(false),
            Verdict::OutOfFragment { because } => return Decided::plain(Answer::Unknown(because)),
            Verdict::TooLarge => return Decided::plain(Answer::Unknown(Vec::new())),
            Verdict::Counterexample(case) => case,
        };
        let (scene, _, no) = self.tried(&right, false);
        let (answer, complete, open, denied) = match scene.decide(no) {
            Verdict::Proven { .. } => (Answer::Always, true, Vec::new(), None),
            Verdict::Checked { .. } => (Answer::Always, false, Vec::new(), None),
            Verdict::OutOfFragment { because } => (Answer::Sometimes, true, because, None),
            Verdict::TooLarge => return Decided::plain(Answer::Unknown(Vec::new())),
            Verdict::Counterexample(case) => (Answer::Sometimes, true, Vec::new(), case),
        };
        Decided { answer, complete, open, allowed, denied }
    }

    /// That no row is let through: whether there is any at all.
    fn nothing(&self, complete: bool) -> Decided {
        let mut scene = self.scene(&self.givable(), Vec::new());
        let given = self.given(&mut scene);
        match scene.decide(given) {
            Verdict::Counterexample(case) => {
                Decided { answer: Answer::Never, complete, open: Vec::new(), allowed: None, denied: case }
            }
            Verdict::OutOfFragment { .. } | Verdict::TooLarge => Decided { complete, ..Decided::plain(Answer::Never) },
            Verdict::Proven { .. } | Verdict::Checked { .. } => Decided { complete, ..Decided::plain(Answer::NoRow) },
        }
    }
}
