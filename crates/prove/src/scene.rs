//! A row, a command and who asks, in a database that is not decided yet: what `why` and comparisons ask about.

use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::{Asked, Demand, demand_of};
use crate::encode::Env;
use crate::sorts::Sorts;
use crate::verdict::{Done, Question, Verdict};
use crate::world::{RowId, World};
use specc_model::formula::Formula;
use specc_model::{Entity, FieldIx, Model, RuleAction};

/// What all scenes of a question share.
#[derive(Clone, Copy)]
pub struct Stage<'m> {
    /// The rules that decide.
    pub model: &'m Model,
    /// Other rules about the same tables, if they are compared.
    pub other: Option<&'m Model>,
    /// What can be compared with what.
    pub sorts: &'m Sorts,
}

/// A row that a command is about.
pub struct Scene<'m> {
    /// The database.
    pub world: World<'m>,
    demand: Demand,
    command: RuleAction,
    role: Role,
    /// The row as it is.
    pub old: Option<RowId>,
    /// The row as it will be.
    pub new: Option<RowId>,
}

impl<'m> Scene<'m> {
    /// A database with rows enough for what is `asked` of the row; a write gives or changes `columns` at most.
    pub fn new(
        stage: Stage<'m>,
        role: &Role,
        command: RuleAction,
        entity: &'m Entity,
        columns: &[FieldIx],
        asked: impl IntoIterator<Item = Asked<'m>>,
    ) -> Self {
        let Stage { model, other, sorts } = stage;
        let rows = if command == RuleAction::Update { vec![entity.id, entity.id] } else { vec![entity.id] };
        let key: Vec<FieldIx> = entity.key.iter().flat_map(|key| key.fields.iter().copied()).collect();
        let read: Vec<_> = key.iter().map(|field| (entity.id, *field)).collect();
        let demand = demand_of(model, other, &rows, &read, asked);
        let mut world = World::new(model, sorts, demand.sizes.clone(), role.clone()).about(demand.live.clone());
        let (old, new) = world.touched(entity.id, command, |field| columns.contains(&field));
        let mut scene = Self { world, demand, command, role: role.clone(), old, new };
        // An example names its row by the key.
        for field in key {
            let row = scene.row();
            scene.world.cell(row, field);
        }
        scene
    }

    /// The row that is there before, or else the one that is there afterwards.
    pub fn row(&self) -> RowId {
        self.old.or(self.new).unwrap_or_default()
    }

    /// That the row is there.
    pub fn there(&self) -> Lit {
        self.world.rows[self.row()].exists
    }

    /// That a condition holds of it.
    pub fn is(&mut self, formula: &'m Formula) -> Lit {
        let row = self.row();
        self.world.condition(formula, &Env::row(row)).yes
    }

    /// That the row has the same in a column before and afterwards.
    pub fn keeps(&mut self, field: FieldIx) -> Lit {
        match (self.old, self.new) {
            (Some(old), Some(new)) => !self.world.differs(old, new, field),
            _ => Lit::TRUE,
        }
    }

    /// That the right lets it be done.
    pub fn allowed(&mut self, right: Option<&Right<'m>>) -> Lit {
        right.map_or(Lit::FALSE, |right| right.lets(&mut self.world, self.old, self.new).0)
    }

    /// That the right to read lets the row be found, and what an update makes of it.
    pub fn seen(&mut self, select: Option<&Right<'m>>) -> Lit {
        let Some(select) = select else { return Lit::FALSE };
        let mut seen = Lit::TRUE;
        for row in [self.old, self.new].into_iter().flatten() {
            let reached = select.reaches(&mut self.world, row).0;
            seen = self.world.circuit.and(seen, reached);
        }
        seen
    }

    /// Whether it can be, without an example.
    pub fn verdict(self, violation: Lit) -> Verdict {
        self.asked(violation, |question| question.verdict())
    }

    /// Whether it can be.
    pub fn decide(self, violation: Lit) -> Verdict {
        self.asked(violation, |question| question.decide())
    }

    /// Looks at the database as a question.
    pub fn question<T>(mut self, violation: Lit, look: impl FnOnce(&mut Question<'m, '_>) -> T) -> T {
        self.world.close();
        self.asked(violation, |mut question| look(&mut question))
    }

    fn asked<T>(self, violation: Lit, ask: impl FnOnce(Question<'m, '_>) -> T) -> T {
        let Self { world, demand, command, role, old, new } = self;
        let done = vec![Done { command, old, new }];
        ask(Question { world, violation, demand: &demand, done, role: &role.name })
    }
}
