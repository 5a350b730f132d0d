//! How many rows there are by what the spec says.

use crate::types::*;
use smol_str::SmolStr;

/// Rows of an entity of which nothing is said.
pub const UNSAID_ROWS: u64 = 1_000;

/// References over which sizes are followed at most.
const DEPTH: usize = 64;

impl Model {
    /// What is said of an entity in an environment: the environment's own word, or else that for all.
    pub fn size_of(&self, env: Option<&str>, entity: EntityId) -> Option<&Size> {
        let said =
            |env: Option<&str>| self.sizes.iter().find(|size| size.entity == entity && size.env.as_deref() == env);
        env.and_then(|env| said(Some(env))).or_else(|| said(None))
    }

    /// What is said of a column in an environment, each thing by the environment's own word first.
    pub fn sized_column(&self, env: Option<&str>, entity: EntityId, field: FieldIx) -> Option<SizedColumn> {
        let said = |env: Option<&str>| {
            let size = self.sizes.iter().find(|size| size.entity == entity && size.env.as_deref() == env)?;
            size.columns.iter().find(|column| column.field == field).cloned()
        };
        match (env.and_then(|env| said(Some(env))), said(None)) {
            (Some(own), Some(all)) => Some(SizedColumn {
                distinct: own.distinct.or(all.distinct),
                nulls: own.nulls.or(all.nulls),
                width: own.width.or(all.width),
                correlation: own.correlation.or(all.correlation),
                between: own.between.or(all.between),
                skew: own.skew.or(all.skew),
                shares: if own.shares.is_empty() { all.shares } else { own.shares },
                ..own
            }),
            (own, all) => own.or(all),
        }
    }

    /// The environments that there are by name: of seeds, and of the settings.
    pub fn environments(&self) -> Vec<&SmolStr> {
        let seeds = self.seeds.iter().map(|seed| &seed.env).filter(|env| *env != "base");
        let mut all: Vec<&SmolStr> = seeds.chain(&self.options.environments).collect();
        all.sort();
        all.dedup();
        all
    }

    /// How many rows an entity has in an environment.
    pub fn rows_of(&self, env: Option<&str>, entity: EntityId) -> u64 {
        self.rows_within(env, entity, DEPTH)
    }

    fn rows_within(&self, env: Option<&str>, id: EntityId, depth: usize) -> u64 {
        let Some(depth) = depth.checked_sub(1) else { return UNSAID_ROWS };
        match self.size_of(env, id).map(|size| size.count) {
            Some(Count::Rows(rows)) => rows,
            Some(Count::Per { each, relation, .. }) => {
                let parents = self.rows_within(env, self.relation(relation).to, depth);
                (parents as f64 * each).round() as u64
            }
            None => self.unsaid_rows(env, id, depth),
        }
    }

    /// A row for each row that has the same key; or the rows that every environment has; or some.
    fn unsaid_rows(&self, env: Option<&str>, id: EntityId, depth: usize) -> u64 {
        let entity = self.entity(id);
        let twin = |relation: &&Relation| {
            self.entity(relation.from).key.as_ref().is_some_and(|key| key.fields == relation.fields)
        };
        let mut up = entity.outgoing.iter().map(|id| self.relation(*id)).filter(twin);
        if let Some(up) = up.find(|up| self.size_of(env, up.to).is_some()) {
            return self.rows_within(env, up.to, depth);
        }
        let down = entity.incoming.iter().map(|id| self.relation(*id)).filter(twin);
        let down = down.filter(|down| self.size_of(env, down.from).is_some());
        if let Some(rows) = down.map(|down| self.rows_within(env, down.from, depth)).max() {
            return rows;
        }
        let seeded = self.seeds.iter().filter(|set| set.env == "base").flat_map(|set| &set.rows);
        let seeded = seeded.filter(|row| row.entity == id).map(|row| u64::from(row.count.unwrap_or(1))).sum();
        if seeded > 0 { seeded } else { UNSAID_ROWS }
    }
}
