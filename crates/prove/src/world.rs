//! A small database that is not decided yet: for each row whether it is there, for each column which value it has.
//!
//! Rows and columns come into being when a formula reads them. What the tables ask of their rows (references, not null,
//! uniques, checks) holds for every column that is there; what nobody reads cannot matter.

mod domain;
mod state;

use domain::Keyed;
pub(crate) use domain::ordered;
pub use state::State;

use crate::access::Role;
use crate::circuit::{Budget, Circuit, Lit, Tri};
use crate::encode::Env;
use crate::sets::{Set, is_array};
use crate::sorts::{Sorts, Source, Val};
use rustc_hash::FxHashMap;
use specc_diag::Span;
use specc_facts::{Family, Volatility, family};
use specc_model::formula::Formula;
use specc_model::{Base, EntityId, FieldIx, Model, RelationId, RuleAction, Target, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A row of a [`World`].
pub type RowId = usize;

/// A value that is not decided yet: one of these at most, null if it is none.
#[derive(Clone, Debug)]
pub struct Sym {
    /// Whose order its values have.
    pub sort: Option<usize>,
    /// When it is which value.
    pub cases: Rc<[(Lit, Val)]>,
}

impl Sym {
    /// Null.
    pub fn null() -> Self {
        Self { sort: None, cases: Rc::new([]) }
    }

    /// One value, whatever else is.
    pub fn of(value: Val) -> Self {
        Self { sort: None, cases: Rc::new([(Lit::TRUE, value)]) }
    }
}

/// What a column holds.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A value.
    Value(Sym),
    /// A truth value.
    Condition(Tri),
    /// An array.
    Set(Set),
}

/// A row.
pub struct Row {
    /// Of which entity.
    pub entity: EntityId,
    /// Whether it is there.
    pub exists: Lit,
    /// Its place among the rows of its table; a row that is being written has none.
    pub number: Option<u16>,
    /// What it was before it is written, and the columns that may have changed.
    pub was: Option<(RowId, BTreeSet<FieldIx>)>,
    /// The phases in which it is there: from the first on, and before the other.
    pub(crate) during: (usize, usize),
    /// Columns of a row that is inserted which are left to the table.
    pub left: BTreeSet<FieldIx>,
    pub(crate) cells: FxHashMap<FieldIx, Cell>,
}

impl Row {
    /// The columns that matter, in the order of the table.
    pub fn cells(&self) -> Vec<(FieldIx, &Cell)> {
        #[allow(clippy::iter_over_hash_type)] // sorted below
        let mut cells: Vec<_> = self.cells.iter().map(|(field, cell)| (*field, cell)).collect();
        cells.sort_by_key(|(field, _)| *field);
        cells
    }
}

/// Something that is not modelled, and so may be anything.
pub struct Unknown {
    /// Where it stands.
    pub span: Span,
    /// What it may be: true, or one of two values.
    pub wires: Vec<Lit>,
}

/// Whether its values are true and false.
pub(crate) fn is_truth(ty: &Type) -> bool {
    ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if family(name) == Family::Boolean)
}

/// A small database, and who asks.
pub struct World<'m> {
    /// What the tables are.
    pub model: &'m Model,
    /// What can be true.
    pub circuit: Circuit,
    /// All rows.
    pub rows: Vec<Row>,
    /// What is not modelled.
    pub unknowns: Vec<Unknown>,
    pub(crate) sorts: &'m Sorts,
    sizes: FxHashMap<EntityId, usize>,
    pub(crate) tables: FxHashMap<EntityId, Vec<RowId>>,
    session: FxHashMap<Source, Sym>,
    /// Folders of paths, by row, column and depth.
    pub(crate) folders: BTreeMap<(RowId, FieldIx, u8), Sym>,
    /// Arguments that are truth values, by function and place.
    pub(crate) arguments: BTreeMap<(usize, usize), Tri>,
    pub(crate) memo: FxHashMap<String, Cell>,
    /// Who asks.
    pub role: Role,
    /// Whether a row that is written may be like others in what is unique: whether it is, is what is asked.
    pub clash: bool,
    /// A check that rows of its entity break, by its place, where that is what is asked.
    pub broken: Option<(EntityId, usize)>,
    /// Queries around the one at hand whose rows rules decide about.
    pub nested: usize,
    /// Wires that nothing but a choice decides.
    choices: Vec<Lit>,
    /// Which of the states that are compared decides: what is not modelled may differ between them.
    state: usize,
    /// After how many statements the rows are looked at: a row that is written is there from the next phase on.
    phase: usize,
    /// How many statements there are.
    steps: usize,
    /// Rows that came of statements.
    written: Vec<RowId>,
    /// Rows that are looked past from some phase on.
    pub(crate) left_out: Vec<RowId>,
    /// Values were looked at of which there are too few to decide.
    crowded: bool,
    keyed: Keyed,
    /// Entities whose rows something asks about; all, where that is not known.
    live: Option<BTreeSet<EntityId>>,
    /// Conditions that were asked and are not made of others, where somebody wants to know.
    pub(crate) atoms: Option<Vec<(&'m Formula, Tri)>>,
}

impl<'m> World<'m> {
    /// A database with at most `sizes` rows of each entity (one, where nothing is said), for a session of `role`.
    pub fn new(model: &'m Model, sorts: &'m Sorts, sizes: FxHashMap<EntityId, usize>, role: Role) -> Self {
        #[allow(clippy::iter_over_hash_type)] // a set is made of them
        let keyed = Keyed::new(model, sizes.keys().copied());
        Self {
            model,
            circuit: Circuit::default(),
            rows: Vec::new(),
            unknowns: Vec::new(),
            sorts,
            sizes,
            tables: FxHashMap::default(),
            session: FxHashMap::default(),
            folders: BTreeMap::new(),
            arguments: BTreeMap::new(),
            memo: FxHashMap::default(),
            role,
            clash: false,
            broken: None,
            nested: 0,
            choices: Vec::new(),
            state: 0,
            phase: 0,
            steps: 1,
            written: Vec::new(),
            left_out: Vec::new(),
            crowded: false,
            keyed,
            live: None,
            atoms: None,
        }
    }

    /// The same with steps that are shared with others.
    pub fn within(mut self, budget: Budget) -> Self {
        self.circuit = Circuit::within(budget);
        self
    }

    /// The same where nothing asks about the rows of other entities.
    pub fn about(mut self, live: BTreeSet<EntityId>) -> Self {
        self.live = Some(live);
        self
    }

    /// Whether something asks about rows of an entity.
    pub(crate) fn is_live(&self, entity: EntityId) -> bool {
        self.live.as_ref().is_none_or(|live| live.contains(&entity))
    }

    /// The same for so many statements, one after the other.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// What was written is there from here on.
    pub fn next_phase(&mut self) {
        self.phase += 1;
    }

    /// What `look` finds in the rows as they were after so many statements.
    pub fn in_phase<T>(&mut self, phase: usize, look: impl FnOnce(&mut Self) -> T) -> T {
        let now = std::mem::replace(&mut self.phase, phase);
        let found = look(self);
        self.phase = now;
        found
    }

    /// The phase that is looked at.
    pub fn phase(&self) -> usize {
        self.phase
    }

    /// How many rows an entity has at most.
    pub fn size(&self, entity: EntityId) -> usize {
        self.sizes.get(&entity).copied().unwrap_or(1).max(1)
    }

    pub(crate) fn choice(&mut self) -> Lit {
        let lit = self.circuit.free();
        self.choices.push(lit);
        lit
    }

    /// The rows of an entity's table, as they are in the phase that is looked at.
    pub fn table(&mut self, entity: EntityId) -> Vec<RowId> {
        let mut rows = match self.tables.get(&entity) {
            Some(rows) => rows.clone(),
            None => {
                self.expect(entity);
                let mut rows = Vec::new();
                for number in 0..self.size(entity) {
                    let exists = self.choice();
                    rows.push(self.row(entity, exists, Some(number as u16), None));
                }
                self.tables.insert(entity, rows.clone());
                rows
            }
        };
        if self.phase > 0 {
            rows.extend(self.written.iter().filter(|row| self.rows[**row].entity == entity));
            rows.retain(|row| self.rows[*row].during.0 <= self.phase && self.phase < self.rows[*row].during.1);
        }
        rows
    }

    fn row(
        &mut self,
        entity: EntityId,
        exists: Lit,
        number: Option<u16>,
        was: Option<(RowId, BTreeSet<FieldIx>)>,
    ) -> RowId {
        let during = (if number.is_some() { 0 } else { self.phase + 1 }, usize::MAX);
        let (left, cells) = (BTreeSet::new(), FxHashMap::default());
        self.rows.push(Row { entity, exists, number, was, during, left, cells });
        self.rows.len() - 1
    }

    /// A row that is being inserted, with what the client may give; what is left to the table has its default.
    pub fn inserted(&mut self, entity: EntityId, given: impl Fn(FieldIx) -> bool) -> RowId {
        let row = self.row(entity, Lit::TRUE, None, None);
        self.written.push(row);
        for (field, column) in self.model.entity(entity).fields.iter().enumerate() {
            if given(field) {
                continue;
            }
            self.rows[row].left.insert(field);
            if column.identity.is_some() || column.maintained.is_some() || column.generated.is_some() {
                continue;
            }
            let condition = is_truth(&column.ty);
            if is_array(&column.ty) {
                let cell = match &column.default {
                    Some(default) => self.given_set(&default.formula),
                    None => Some(Cell::Set(Set { present: Lit::FALSE, cases: Rc::new([]) })),
                };
                cell.into_iter().for_each(|cell| drop(self.rows[row].cells.insert(field, cell)));
                continue;
            }
            let cell = match &column.default {
                Some(default) if condition => Cell::Condition(self.condition(&default.formula, &Env::row(row))),
                // A new key is like no other.
                Some(_) if self.is_numbered(entity, field) => continue,
                Some(default) if default.formula.volatility == Volatility::Volatile => {
                    self.unknown_of(&Source::Field(entity, field), default.formula.span)
                }
                Some(default) => Cell::Value(self.evaluate(&default.formula, &Env::row(row))),
                None if condition => Cell::Condition(Tri::NULL),
                None => Cell::Value(Sym::null()),
            };
            self.rows[row].cells.insert(field, cell);
            self.refer(row, field);
        }
        row
    }

    /// Whether a client gives a column of a new row a value: one that is its default is as good as not given.
    pub fn given(&mut self, row: RowId, field: FieldIx) -> Lit {
        let entity = self.rows[row].entity;
        let column = &self.model.entity(entity).fields[field];
        if self.rows[row].left.contains(&field) {
            return Lit::FALSE;
        }
        let default = column.default.as_ref().map(|default| &default.formula);
        let known = |formula: &Formula| formula.is_constant() || crate::sorts::session(formula).is_some();
        // A value that is made anew for each row cannot be told from one that is given.
        if column.identity.is_some() || self.is_numbered(entity, field) || default.is_some_and(|it| !known(it)) {
            return self.choice();
        }
        match (self.cell(row, field), default) {
            (Cell::Value(value), Some(default)) => {
                let default = self.evaluate(default, &Env::row(row));
                !self.same(&value, &default)
            }
            (Cell::Value(value), None) => self.present(&value),
            (Cell::Condition(value), default) => {
                let default = default.map_or(Tri::NULL, |default| self.condition(default, &Env::row(row)));
                self.distinct(value, default)
            }
            (Cell::Set(value), default) => match default.map(|default| self.given_set(default)) {
                Some(Some(Cell::Set(default))) => self.sets_differ(&value, &default),
                Some(_) => Lit::TRUE,
                None => value.present,
            },
        }
    }

    /// The row that a command is about, which none before it was, and what comes of it; a write gives or changes `columns` at
    /// most.
    pub fn touched(
        &mut self,
        entity: EntityId,
        command: RuleAction,
        columns: impl Fn(FieldIx) -> bool,
    ) -> (Option<RowId>, Option<RowId>) {
        if command == RuleAction::Insert {
            return (None, Some(self.inserted(entity, columns)));
        }
        let rows = self.table(entity);
        let first = rows.iter().copied().find(|row| self.rows[*row].number.is_some());
        let old = first.or(rows.first().copied()).unwrap_or_default();
        let fields = (0..self.model.entity(entity).fields.len()).filter(|field| columns(*field)).collect::<Vec<_>>();
        (Some(old), (command == RuleAction::Update).then(|| self.updated(old, fields)))
    }

    /// What `old` is being changed to, in these columns at most.
    pub fn updated(&mut self, old: RowId, columns: impl IntoIterator<Item = FieldIx>) -> RowId {
        let was = Some((old, columns.into_iter().collect()));
        let new = self.row(self.rows[old].entity, Lit::TRUE, None, was);
        self.rows[old].during.1 = self.phase + 1;
        self.written.push(new);
        new
    }

    /// From the next phase on, a row is gone.
    pub fn deleted(&mut self, row: RowId) {
        self.rows[row].during.1 = self.phase + 1;
    }

    /// The row as it might be beside what it is, with other values in these columns.
    pub fn variant(&mut self, row: RowId, columns: impl IntoIterator<Item = FieldIx>) -> RowId {
        let was = Some((row, columns.into_iter().collect()));
        let other = self.row(self.rows[row].entity, Lit::TRUE, None, was);
        // Nothing refers to it, and it stands beside nothing.
        self.rows[other].during = (usize::MAX, usize::MAX);
        other
    }

    /// From the next phase on, a row is there only if `kept` holds.
    pub fn keep(&mut self, row: RowId, kept: Lit) {
        let exists = self.circuit.and(self.rows[row].exists, kept);
        let rest = self.row(self.rows[row].entity, exists, None, Some((row, BTreeSet::new())));
        self.deleted(row);
        self.left_out.push(row);
        self.written.push(rest);
    }

    /// Whether rows of this entity are told apart by their place: by a key of one column that has no other meaning.
    pub(crate) fn is_numbered(&self, entity: EntityId, field: FieldIx) -> bool {
        let alone = self.model.entity(entity).key.as_ref().is_some_and(|key| key.fields == [field]);
        let refers = || self.relations(entity).any(|id| self.model.relation(id).fields.contains(&field));
        let sort = self.sorts.get(&Source::Field(entity, field));
        alone && !refers() && sort.is_none_or(|(_, sort)| !sort.ordered && sort.constants.is_empty())
    }

    pub(crate) fn relations(&self, entity: EntityId) -> impl Iterator<Item = RelationId> {
        self.model.entity(entity).outgoing.iter().copied()
    }

    /// A value of a sort.
    pub(crate) fn any_value(&mut self, source: &Source, nullable: bool) -> Sym {
        if self.circuit.is_full() {
            return Sym::null();
        }
        let (sort, mut domain) = self.domain(source);
        if self.is_uuid(source) {
            domain.retain(|value| !matches!(value, Val::Text(text) if text.len() < 32));
        }
        let cases: Vec<_> = domain.into_iter().map(|value| (self.choice(), value)).collect();
        let lits: Vec<Lit> = cases.iter().map(|(lit, _)| *lit).collect();
        match nullable {
            true => self.circuit.at_most_one(&lits),
            false => self.circuit.exactly_one(&lits),
        }
        Sym { sort, cases: cases.into() }
    }

    /// A truth value.
    fn any_condition(&mut self, nullable: bool) -> Tri {
        let yes = self.choice();
        let no = if nullable { self.choice() } else { !yes };
        if nullable {
            self.circuit.clause(&[!yes, !no]);
        }
        Tri { yes, no }
    }

    /// A value that is not modelled.
    pub(crate) fn unknown(&mut self, formula: &Formula, condition: bool) -> Cell {
        if !condition {
            return self.unknown_of(&Source::Expr(crate::sorts::address(formula)), formula.span);
        }
        let cell = Cell::Condition(self.any_condition(true));
        self.not_modelled(&cell, formula.span);
        cell
    }

    /// Any value of a source, and which is not modelled.
    fn unknown_of(&mut self, source: &Source, span: Span) -> Cell {
        let cell = Cell::Value(self.any_value(source, true));
        self.not_modelled(&cell, span);
        cell
    }

    fn not_modelled(&mut self, cell: &Cell, span: Span) {
        let wires = match cell {
            Cell::Condition(tri) => vec![tri.yes, tri.no],
            Cell::Value(sym) => sym.cases.iter().map(|(lit, _)| *lit).collect(),
            Cell::Set(set) => set.cases.iter().map(|(lit, _)| *lit).collect(),
        };
        self.choices.retain(|lit| !wires.contains(lit));
        self.unknowns.push(Unknown { span, wires });
    }

    /// A value that is the same for a whole statement.
    pub fn session(&mut self, source: Source) -> Sym {
        if let Some(sym) = self.session.get(&source) {
            return sym.clone();
        }
        let sym = match &source {
            Source::Viewer if !self.role.signed_in => Sym::null(),
            // The platform takes the role of the session from the token.
            Source::Claim(keys) if self.model.options.target == Target::Supabase && **keys == ["role"] => {
                let sort = self.sorts.get(&source).map(|(id, _)| id);
                Sym { sort, ..Sym::of(Val::of_text(&self.role.name)) }
            }
            Source::Viewer => self.any_value(&source, false),
            Source::Claim(_) | Source::Argument(..) => self.any_value(&source, true),
            _ => self.any_value(&source, false),
        };
        self.session.insert(source, sym.clone());
        sym
    }

    /// What `look` finds if somebody else asks.
    pub fn as_viewer<T>(&mut self, viewer: Sym, look: impl FnOnce(&mut Self) -> T) -> T {
        let memo = std::mem::take(&mut self.memo);
        let before = self.session.insert(Source::Viewer, viewer);
        let found = look(self);
        self.memo = memo;
        match before {
            Some(before) => self.session.insert(Source::Viewer, before),
            None => self.session.remove(&Source::Viewer),
        };
        found
    }

    /// The argument of a function that is called, where it is a truth value.
    pub fn argument_condition(&mut self, function: usize, at: usize) -> Tri {
        if let Some(tri) = self.arguments.get(&(function, at)) {
            return *tri;
        }
        let tri = self.any_condition(true);
        self.arguments.insert((function, at), tri);
        tri
    }

    /// Session values that were read.
    pub fn sessions(&self) -> Vec<(&Source, &Sym)> {
        #[allow(clippy::iter_over_hash_type)] // sorted below
        let mut all: Vec<_> = self.session.iter().collect();
        all.sort_by_key(|(source, _)| format!("{source:?}"));
        all
    }

    /// What a column of a row holds.
    pub fn cell(&mut self, row: RowId, field: FieldIx) -> Cell {
        if let Some(cell) = self.rows[row].cells.get(&field) {
            return cell.clone();
        }
        if let Some((old, changed)) = &self.rows[row].was
            && !changed.contains(&field)
        {
            let old = *old;
            return self.cell(old, field);
        }
        let entity = self.rows[row].entity;
        let column = &self.model.entity(entity).fields[field];
        let cell = if is_truth(&column.ty) {
            Cell::Condition(self.any_condition(column.nullable))
        } else if is_array(&column.ty) {
            self.any_set(&Source::Field(entity, field), column.nullable)
        } else if self.is_numbered(entity, field) {
            Cell::Value(self.key(row, field))
        } else {
            Cell::Value(self.any_value(&Source::Field(entity, field), column.nullable))
        };
        self.rows[row].cells.insert(field, cell.clone());
        self.refer(row, field);
        cell
    }

    /// The key of a row that is told apart by its place. One that is being inserted has a key of its own, and one that is
    /// being changed keeps its key, or gets such a one; what others may refer to later on keeps it.
    fn key(&mut self, row: RowId, field: FieldIx) -> Sym {
        let Row { entity, number, .. } = self.rows[row];
        let nth = self.written.iter().filter(|other| **other < row && self.rows[**other].entity == entity).count();
        let own = Val::Key(entity, number.unwrap_or((self.size(entity) + nth) as u16));
        let Some((old, _)) = self.rows[row].was else {
            return if self.clash && number.is_none() { self.clashing(entity, own) } else { Sym::of(own) };
        };
        let before = self.value(old, field);
        if self.steps > 1 {
            return before;
        }
        let kept = self.choice();
        let cases = before.cases.iter().map(|(lit, value)| (*lit, value.clone())).collect::<Vec<_>>();
        let mut cases: Vec<_> = cases.into_iter().map(|(lit, value)| (self.circuit.and(lit, kept), value)).collect();
        cases.push((!kept, own));
        Sym { sort: before.sort, cases: cases.into() }
    }

    /// The key of a new row, or one that a row has already.
    fn clashing(&mut self, entity: EntityId, own: Val) -> Sym {
        let others = (0..self.size(entity) as u16).map(|number| Val::Key(entity, number));
        let cases: Vec<_> = others.chain([own]).map(|value| (self.choice(), value)).collect();
        let lits: Vec<Lit> = cases.iter().map(|(lit, _)| *lit).collect();
        self.circuit.exactly_one(&lits);
        Sym { sort: None, cases: cases.into() }
    }

    /// The value of a column that is no truth value.
    pub fn value(&mut self, row: RowId, field: FieldIx) -> Sym {
        match self.cell(row, field) {
            Cell::Value(sym) => sym,
            Cell::Condition(_) | Cell::Set(_) => Sym::null(),
        }
    }
}
