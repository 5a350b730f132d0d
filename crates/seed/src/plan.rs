//! The rows of an environment, with every value decided.

use crate::filter;
use crate::order;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};
use specc_facts::Family;
use specc_model::{Base, EntityId, FieldIx, Model, Relation, SeedRow, SeedSet, SeedValue, Type, UniqueSet};
use specc_rows::hash;

/// How often a generated row is drawn again before it is given up.
const ATTEMPTS: u64 = 2_000;

/// A row to insert.
pub(crate) struct Row<'m> {
    pub entity: EntityId,
    pub source: &'m SeedRow,
    /// What its key and its drawn values come from: `public.events/launch`, `public.events/dev/17`.
    pub path: String,
    /// Its number among the unlabelled rows of the entity in the environment, from 0.
    pub ordinal: Option<u32>,
    /// The key that the author left to us.
    pub auto_key: Option<(FieldIx, SmolStr)>,
    /// Field and SQL, in the entity's order; none while undecided, and for a row that was given up.
    pub values: Option<Vec<(FieldIx, SmolStr)>>,
    /// Rows it refers to, by place.
    pub needs: Vec<usize>,
}

/// All rows so far: first those of `base`, then those of one environment more.
pub(crate) struct Plan<'m> {
    pub model: &'m Model,
    pub rows: Vec<Row<'m>>,
    labels: FxHashMap<(EntityId, &'m str), usize>,
    /// Rows with values, by entity.
    pub done: FxHashMap<EntityId, Vec<usize>>,
    uniques: FxHashMap<EntityId, Vec<UniqueSet<'m>>>,
    seen: FxHashSet<(EntityId, usize, Vec<SmolStr>)>,
    next_number: FxHashMap<EntityId, i64>,
    /// The generated rows for which no values were left: the rest of them is given up too.
    exhausted: Option<&'m SeedRow>,
}

impl<'m> Plan<'m> {
    pub fn new(model: &'m Model) -> Self {
        Self {
            model,
            rows: Vec::new(),
            labels: FxHashMap::default(),
            done: FxHashMap::default(),
            uniques: FxHashMap::default(),
            seen: FxHashSet::default(),
            next_number: FxHashMap::default(),
            exhausted: None,
        }
    }

    /// Adds the rows of an environment; those added before can be referred to. Gives back the entities in an order in
    /// which what is referred to comes first.
    pub fn add(&mut self, set: &'m SeedSet) -> Vec<EntityId> {
        let first = self.rows.len();
        self.expand(set);
        self.number(set, first);
        let groups = order::groups(self.model, &self.rows[first..]);
        let group_of: FxHashMap<EntityId, usize> =
            groups.iter().enumerate().flat_map(|(n, group)| group.iter().map(move |id| (*id, n))).collect();
        let mut places = vec![Vec::new(); groups.len()];
        for at in first..self.rows.len() {
            places[group_of[&self.rows[at].entity]].push(at);
        }
        for at in places.into_iter().flatten() {
            let given_up = |before: &SeedRow| std::ptr::eq(before, self.rows[at].source);
            if !self.exhausted.is_some_and(given_up) && !self.fill(at) {
                self.exhausted = Some(self.rows[at].source);
            }
        }
        groups.concat()
    }

    fn expand(&mut self, set: &'m SeedSet) {
        let mut counts: FxHashMap<EntityId, u32> = FxHashMap::default();
        for source in &set.rows {
            let name = &self.model.entity(source.entity).name;
            let table = format!("{}.{}", name.schema, name.name);
            let mut push = |path: String, ordinal: Option<u32>| {
                self.rows.push(Row {
                    entity: source.entity,
                    source,
                    path,
                    ordinal,
                    auto_key: None,
                    values: None,
                    needs: Vec::new(),
                });
            };
            if let Some(label) = &source.label {
                push(format!("{table}/{label}"), None);
                self.labels.insert((source.entity, label), self.rows.len() - 1);
                continue;
            }
            // No file has these.
            if source.large {
                continue;
            }
            let count = counts.entry(source.entity).or_default();
            for _ in 0..source.count.unwrap_or(1) {
                push(format!("{table}/{}/{count}", set.env), Some(*count));
                *count += 1;
            }
        }
    }

    /// Gives keys to the rows from `first` on that have none.
    fn number(&mut self, set: &SeedSet, first: usize) {
        for row in &self.rows[first..] {
            if let Some(field) = self.model.entity(row.entity).key.as_ref().and_then(|key| single(&key.fields))
                && let Some(SeedValue::Expr(expr)) = given(row.source, field)
                && let Ok(number) = expr.text.parse::<i64>()
            {
                let next = self.next_number.entry(row.entity).or_insert(1);
                *next = (*next).max(number.saturating_add(1));
            }
        }
        for at in first..self.rows.len() {
            let row = &self.rows[at];
            let entity = self.model.entity(row.entity);
            let Some(key) = &entity.key else { continue };
            let free = |ix: &&FieldIx| {
                given(row.source, **ix).is_none()
                    && !entity.outgoing.iter().any(|id| self.model.relation(*id).fields.contains(ix))
            };
            let Some(&field) = key.fields.iter().find(free) else {
                continue;
            };
            let value = match builtin(self.model, &entity.fields[field].ty) {
                Some("uuid") => format_smolstr!("'{}'", specc_rows::fake::key(&row.path)),
                Some(ty) if specc_facts::family(ty) == Family::Integer && key.fields.len() == 1 => {
                    // The row of somebody else may have any number.
                    if set.env == crate::BASE && crate::is_counted(entity, field) && self.named_by(at).is_some() {
                        continue;
                    }
                    let next = self.next_number.entry(row.entity).or_insert(1);
                    *next += 1;
                    (*next - 1).to_smolstr()
                }
                _ => continue,
            };
            self.rows[at].auto_key = Some((field, value));
        }
    }

    /// The row with a label.
    pub fn labelled(&self, entity: EntityId, label: &str) -> Option<usize> {
        self.labels.get(&(entity, label)).copied()
    }

    /// The values of a row that is not among those to insert: its key is left to the table.
    pub fn alone(&mut self, source: &'m SeedRow) -> Vec<(FieldIx, SmolStr)> {
        let path = format!("{}/{}", source.entity.0, source.span.start);
        let entity = source.entity;
        self.rows.push(Row { entity, source, path, ordinal: None, auto_key: None, values: None, needs: Vec::new() });
        let at = self.rows.len() - 1;
        let fields = self.fields(at);
        let values = fields.into_iter().map(|field| (field, self.value(at, field, 0, &mut Vec::new()))).collect();
        self.rows.pop();
        values
    }

    /// Decides the values of a row. False: no values are left that would tell it apart from the others.
    fn fill(&mut self, at: usize) -> bool {
        let (entity, source) = (self.rows[at].entity, self.rows[at].source);
        let fields = self.fields(at);
        let model = self.model;
        self.uniques.entry(entity).or_insert_with(|| model.entity(entity).unique_sets().collect());
        let mut steps = vec![0u64; fields.len()];
        let mut attempt = 0;
        loop {
            let mut needs = Vec::new();
            let mut values = Vec::with_capacity(fields.len());
            for (place, &field) in fields.iter().enumerate() {
                values.push((field, self.value(at, field, steps[place], &mut needs)));
            }
            let Some((set, whole)) = self.clash(entity, &values) else {
                self.remember(entity, &values);
                needs.sort_unstable();
                needs.dedup();
                let row = &mut self.rows[at];
                (row.values, row.needs) = (Some(values), needs);
                self.done.entry(entity).or_default().push(at);
                return true;
            };
            attempt += 1;
            let drawn: Vec<usize> = (0..fields.len())
                .filter(|place| set.contains(&fields[*place]) && is_drawn(source, fields[*place]))
                .collect();
            let mut rest = attempt;
            for &place in &drawn {
                let options = self.options(at, fields[place]).unwrap_or(u64::MAX).max(1);
                (steps[place], rest) = (rest % options, rest / options);
            }
            if drawn.is_empty() || !whole && (rest > 0 || attempt > ATTEMPTS) {
                // Nothing of ours to change, or an index over some rows only: Postgres will say.
                let row = &mut self.rows[at];
                (row.values, row.needs) = (Some(values), needs);
                self.done.entry(entity).or_default().push(at);
                return true;
            }
            if rest > 0 || attempt > ATTEMPTS {
                return false;
            }
        }
    }

    /// The fields that a row gives, in the entity's order.
    fn fields(&self, at: usize) -> Vec<FieldIx> {
        let row = &self.rows[at];
        let mut fields: Vec<FieldIx> = row.source.fields.iter().map(|(field, _)| *field).collect();
        fields.extend(row.auto_key.iter().map(|(field, _)| *field));
        for relation in self.composites(row.entity) {
            if leader(relation, row.source).is_some() {
                fields.extend(&relation.fields);
            }
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    fn composites(&self, entity: EntityId) -> impl Iterator<Item = &'m Relation> {
        let model = self.model;
        model.entity(entity).outgoing.iter().map(|id| model.relation(*id)).filter(|r| r.fields.len() > 1)
    }

    /// The SQL of a field of a row.
    fn value(&self, at: usize, field: FieldIx, step: u64, needs: &mut Vec<usize>) -> SmolStr {
        let row = &self.rows[at];
        if let Some((key, value)) = &row.auto_key
            && *key == field
        {
            return value.clone();
        }
        let own = given(row.source, field);
        // One column of a reference over several follows the row that another column chose.
        if matches!(own, None | Some(SeedValue::Any(_))) {
            for relation in self.composites(row.entity) {
                let Some(chosen) = leader(relation, row.source) else {
                    continue;
                };
                if chosen != field
                    && let Some(place) = relation.fields.iter().position(|f| *f == field)
                    && let Some(other) = self.chosen_row(at, chosen, step)
                {
                    needs.push(other);
                    return self.value_of(other, relation.to_fields[place], 0);
                }
            }
        }
        let Some(value) = own else {
            return "null".into();
        };
        let seed = self.seed(at, field);
        match value {
            SeedValue::Expr(expr) => crate::sql(expr),
            SeedValue::Label { entity, .. } | SeedValue::Any(entity) => match self.chosen_row(at, field, step) {
                Some(other) => {
                    needs.push(other);
                    self.value_of(other, self.target(row.entity, field, *entity), 0)
                }
                None if self.model.entity(row.entity).fields[field].nullable => "null".into(),
                None => self.some_row(*entity, self.target(row.entity, field, *entity)),
            },
            SeedValue::Fake(kind) => {
                let ty = &self.model.entity(row.entity).fields[field].ty;
                crate::values::fake(self.model, ty, kind, seed, row.ordinal, step)
            }
            SeedValue::Between(a, b) => {
                crate::values::between(self.model, row.entity, field, a, b).draw(seed, step).into()
            }
            SeedValue::OneOf(options) => match options.len() as u64 {
                0 => "null".into(),
                n => crate::sql(&options[(hash::mix(seed).wrapping_add(step) % n) as usize]),
            },
        }
    }

    fn seed(&self, at: usize, field: FieldIx) -> u64 {
        let row = &self.rows[at];
        hash::of(&row.path) ^ hash::mix(hash::of(&self.model.entity(row.entity).fields[field].name))
    }

    /// The row that a label or `any` of a row means.
    fn chosen_row(&self, at: usize, field: FieldIx, step: u64) -> Option<usize> {
        match given(self.rows[at].source, field)? {
            SeedValue::Label { entity, label } => self.labels.get(&(*entity, label.as_str())).copied(),
            SeedValue::Any(entity) => {
                let rows = self.done.get(entity)?;
                let start = hash::mix(self.seed(at, field));
                Some(rows[(start.wrapping_add(step) % rows.len() as u64) as usize])
            }
            _ => None,
        }
    }

    /// How many values a drawn field can have, where they can be counted.
    fn options(&self, at: usize, field: FieldIx) -> Option<u64> {
        let row = &self.rows[at];
        match given(row.source, field)? {
            SeedValue::Any(entity) => self.done.get(entity).map(|rows| rows.len() as u64),
            SeedValue::OneOf(options) => Some(options.len() as u64),
            SeedValue::Between(a, b) => crate::values::between(self.model, row.entity, field, a, b).len(),
            _ => None,
        }
    }

    /// The field of `to` that `field` refers to: of the foreign key between them, else the key.
    fn target(&self, from: EntityId, field: FieldIx, to: EntityId) -> FieldIx {
        let relations = self.model.entity(from).outgoing.iter().map(|id| self.model.relation(*id));
        relations
            .filter(|r| r.to == to)
            .find_map(|r| r.fields.iter().position(|f| *f == field).map(|place| r.to_fields[place]))
            .or_else(|| self.model.entity(to).key.as_ref().and_then(|key| key.fields.first().copied()))
            .unwrap_or(0)
    }

    /// The value that a row has, or will have, in a field.
    pub fn value_of(&self, at: usize, field: FieldIx, depth: u8) -> SmolStr {
        let row = &self.rows[at];
        if let Some(values) = &row.values
            && let Some((_, value)) = values.iter().find(|(f, _)| *f == field)
        {
            return value.clone();
        }
        if row.values.is_none() && depth < 16 {
            if let Some((key, value)) = &row.auto_key
                && *key == field
            {
                return value.clone();
            }
            match given(row.source, field) {
                Some(SeedValue::Label { entity, label }) => {
                    if let Some(&other) = self.labels.get(&(*entity, label.as_str())) {
                        return self.value_of(other, self.target(row.entity, field, *entity), depth + 1);
                    }
                }
                Some(_) => return self.value(at, field, 0, &mut Vec::new()),
                None => {}
            }
        }
        self.lookup(at, field)
    }

    /// A unique constraint all of whose values the author gives.
    fn named_by(&self, at: usize) -> Option<Vec<FieldIx>> {
        let row = &self.rows[at];
        let entity = self.model.entity(row.entity);
        let is_key = |name: &str| entity.key.as_ref().is_some_and(|key| key.name == name);
        let is_given = |field: &FieldIx| {
            let value = given(row.source, *field);
            value.is_some_and(|value| {
                !is_drawn(row.source, *field) && !matches!(value, SeedValue::Expr(e) if e.text == "null")
            })
        };
        let mut sets = entity.unique_sets().filter(|set| set.is_constraint && !set.deferrable && !is_key(set.name));
        sets.find_map(|set| set.fields.filter(|fields| fields.iter().all(is_given)))
    }

    /// Whether the row has a number that nobody gave it.
    pub fn has_made_up_number(&self, at: usize) -> bool {
        let row = &self.rows[at];
        let entity = self.model.entity(row.entity);
        let is_integer = |field: FieldIx| {
            builtin(self.model, &entity.fields[field].ty).is_some_and(|ty| specc_facts::family(ty) == Family::Integer)
        };
        row.auto_key.as_ref().is_some_and(|(field, _)| is_integer(*field))
    }

    /// Asks the database for a field that the row leaves to its default.
    fn lookup(&self, at: usize, field: FieldIx) -> SmolStr {
        let row = &self.rows[at];
        let entity = self.model.entity(row.entity);
        let name = |f: FieldIx| specc_sql::quote::ident(&entity.fields[f].name);
        let table = specc_sql::quote::qualified(&entity.name.schema, &entity.name.name);
        match entity.key.as_ref().and_then(|key| single(&key.fields)).filter(|key| *key != field) {
            Some(key) => {
                let value = self.value_of(at, key, 8);
                format_smolstr!("(select {} from {table} where {} = {value})", name(field), name(key))
            }
            None if let Some(fields) = self.named_by(at) => {
                let is = |f: &FieldIx| format!("{} = {}", name(*f), self.value(at, *f, 0, &mut Vec::new()));
                let all: Vec<String> = fields.iter().map(is).collect();
                format_smolstr!("(select {} from {table} where {})", name(field), all.join(" and "))
            }
            None => self.some_row(row.entity, field),
        }
    }

    /// Any row that the database has.
    fn some_row(&self, entity: EntityId, field: FieldIx) -> SmolStr {
        let entity = self.model.entity(entity);
        let column = specc_sql::quote::ident(&entity.fields[field].name);
        let table = specc_sql::quote::qualified(&entity.name.schema, &entity.name.name);
        format_smolstr!("(select {column} from {table} order by {column} limit 1)")
    }

    /// The first group of unique fields that another row has already, and whether it speaks of all rows.
    fn clash(&self, entity: EntityId, values: &[(FieldIx, SmolStr)]) -> Option<(Vec<FieldIx>, bool)> {
        let sets = self.uniques.get(&entity)?;
        sets.iter().enumerate().find_map(|(number, set)| {
            let tuple = self.tuple(entity, set, values)?;
            let taken = self.seen.contains(&(entity, number, tuple));
            set.fields.clone().filter(|_| taken).map(|fields| (fields, set.filter.is_none()))
        })
    }

    fn remember(&mut self, entity: EntityId, values: &[(FieldIx, SmolStr)]) {
        let Some(sets) = self.uniques.get(&entity) else {
            return;
        };
        let tuples: Vec<_> = (0..sets.len()).map(|n| self.tuple(entity, &sets[n], values)).collect();
        for (number, tuple) in tuples.into_iter().enumerate() {
            self.seen.extend(tuple.map(|tuple| (entity, number, tuple)));
        }
    }

    /// The values of a group, if the row gives them all and the group speaks of the row.
    fn tuple(&self, entity: EntityId, set: &UniqueSet<'_>, values: &[(FieldIx, SmolStr)]) -> Option<Vec<SmolStr>> {
        if let Some(filter) = set.filter
            && filter::holds(self.model, entity, filter, values) == Some(false)
        {
            return None;
        }
        let find = |field: &FieldIx| values.iter().find(|(f, _)| f == field).map(|(_, value)| value.clone());
        set.fields.as_ref()?.iter().map(|field| find(field).filter(|value| value != "null")).collect()
    }
}

/// The value that the author gave.
pub(crate) fn given(row: &SeedRow, field: FieldIx) -> Option<&SeedValue> {
    row.fields.iter().find(|(f, _)| *f == field).map(|(_, value)| value)
}

/// Whether a value is drawn, so that another could be.
fn is_drawn(row: &SeedRow, field: FieldIx) -> bool {
    let drawn = |value: &SeedValue| !matches!(value, SeedValue::Expr(_) | SeedValue::Label { .. });
    given(row, field).is_some_and(drawn)
}

/// The column of a reference over several columns that names the row: the others follow it.
fn leader(relation: &Relation, row: &SeedRow) -> Option<FieldIx> {
    relation.fields.iter().copied().find(|field| match given(row, *field) {
        Some(SeedValue::Label { entity, .. } | SeedValue::Any(entity)) => *entity == relation.to,
        _ => false,
    })
}

/// The only one.
pub(crate) fn single(fields: &[FieldIx]) -> Option<FieldIx> {
    match fields {
        [field] => Some(*field),
        _ => None,
    }
}

/// The built-in type under the domains of `ty`; none for an array.
pub(crate) fn builtin<'m>(model: &'m Model, ty: &'m Type) -> Option<&'m str> {
    match &ty.base {
        _ if ty.dims > 0 => None,
        Base::Builtin(name) => Some(name),
        Base::Domain(id) => builtin(model, &model.domains[id.0 as usize].base),
        _ => None,
    }
}
