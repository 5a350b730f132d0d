//! From a scenario to the statements that play it.

use smol_str::SmolStr;
use specc_catalog::Seed;
use specc_diag::Span;
use specc_model::{
    Actor, EntityId, FieldIx, Model, Scenario, ScenarioPart, ScenarioStep, ScenarioStepKind, SeenRows, Target, Try,
};
use specc_seed::Told;
use specc_sql::quote::{ident, literal, qualified};
use specc_sql::{Statement, print};
use std::collections::BTreeMap;

/// A scenario as statements.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its sentence.
    pub text: SmolStr,
    /// The environment whose rows, with those of `base`, are there before.
    pub env: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// What happens, in this order.
    pub acts: Vec<Act>,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// The owner inserts rows.
    Given {
        /// The inserts.
        statements: Vec<String>,
        /// The scenario.
        span: Span,
    },
    /// Somebody does something.
    Step(Box<Step>),
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who it is, as written: a label or a role.
    pub who: SmolStr,
    /// The role of the session.
    pub role: SmolStr,
    /// What the owner runs before: it says who asks, and what else the session says.
    pub settings: String,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub span: Span,
    /// Who does it.
    pub session: Session,
    /// What is done, with the rights of the session.
    pub statement: String,
    /// What is expected of it.
    pub ask: Ask,
}

/// What is expected.
#[derive(Clone, Debug)]
pub enum Ask {
    /// The statement counts this many rows; none also where it is refused for want of a grant.
    Count(u64),
    /// It counts as many rows as this one, which the owner runs.
    All {
        /// The owner's count.
        count: String,
    },
    /// It gives the keys of these labelled rows, and no other.
    Only {
        /// The labels.
        labels: Vec<SmolStr>,
        /// The label and the key of each labelled row that is there, for the owner.
        known: String,
    },
    /// It is let through.
    Allowed {
        /// Reads the one row that it has to touch, for the owner.
        row: Option<String>,
    },
    /// It is refused for want of a right, or touches nothing; or is refused with this SQLSTATE.
    Denied {
        /// Reads the one row that it must not touch, for the owner.
        row: Option<String>,
        /// The SQLSTATE.
        code: Option<SmolStr>,
    },
}

/// All scenarios of a spec, in the order written.
pub fn scripts(model: &Model) -> Vec<Script> {
    model.scenarios.iter().map(|scenario| script(model, scenario)).collect()
}

/// The same for a database without rows: those of the seeds are given first.
pub fn whole(model: &Model) -> Vec<Script> {
    let whole = |scenario: &Scenario| {
        let mut script = script(model, scenario);
        let envs = [specc_seed::BASE, &scenario.env];
        let here = &envs[..if scenario.env == specc_seed::BASE { 1 } else { 2 }];
        let seeds: Vec<Seed> = here.iter().flat_map(|env| specc_seed::generate(model, env)).collect();
        let mut statements = inserts(&seeds);
        statements.extend(numbers(seeds.into_iter()));
        script.acts.insert(0, Act::Given { statements, span: scenario.span });
        script
    };
    model.scenarios.iter().map(whole).collect()
}

fn inserts(seeds: &[Seed]) -> Vec<String> {
    let insert = |seed: &Seed| {
        let mut text = String::new();
        print(&Statement::InsertSeed { seed, table: None }, &mut text);
        text
    };
    seeds.iter().map(insert).collect()
}

/// One scenario.
pub fn script<'m>(model: &'m Model, scenario: &'m Scenario) -> Script {
    let mut writer = Writer { model, told: Told::of(model, scenario) };
    let mut acts = Vec::new();
    let sets = scenario.parts.iter().filter(|part| matches!(part, ScenarioPart::Given(_))).count();
    let statements = numbers((0..sets).flat_map(|at| writer.told.given(at)));
    if !statements.is_empty() {
        acts.push(Act::Given { statements, span: scenario.span });
    }
    let mut given = 0;
    for part in &scenario.parts {
        match part {
            ScenarioPart::Given(_) => {
                let statements = inserts(&writer.told.given(given));
                given += 1;
                acts.push(Act::Given { statements, span: scenario.span });
            }
            ScenarioPart::As(actor) => {
                let session = writer.session(actor);
                for step in &actor.steps {
                    acts.push(Act::Step(Box::new(writer.step(&session, step))));
                }
            }
        }
    }
    Script { text: scenario.text.clone(), env: scenario.env.clone(), span: scenario.span, acts }
}

/// Moves sequences past the numbers of rows that are given, so that what steps insert gets others.
fn numbers(seeds: impl Iterator<Item = Seed>) -> Vec<String> {
    let mut highest: BTreeMap<(SmolStr, SmolStr, SmolStr), i64> = BTreeMap::new();
    for seed in seeds {
        let Some(column) = &seed.restart else { continue };
        let Some(place) = seed.columns.iter().position(|other| other == column) else { continue };
        let values = seed.rows.iter().filter_map(|row| row.get(place)?.text.parse::<i64>().ok());
        let Some(most) = values.max() else { continue };
        let key = (seed.table.schema.clone(), seed.table.name.clone(), column.clone());
        let before = highest.entry(key).or_insert(most);
        *before = most.max(*before);
    }
    let advance = |((schema, name, column), most): ((SmolStr, SmolStr, SmolStr), i64)| {
        let table = qualified(&schema, &name);
        let sequence = format!("pg_catalog.pg_get_serial_sequence({}, {})", literal(&table), literal(&column));
        let present = format!("(select max({}) from {table})", ident(&column));
        format!("select pg_catalog.setval({sequence}, greatest({most}, {present}))")
    };
    highest.into_iter().map(advance).collect()
}

struct Writer<'m> {
    model: &'m Model,
    told: Told<'m>,
}

impl<'m> Writer<'m> {
    fn table(&self, entity: EntityId) -> String {
        let name = &self.model.entity(entity).name;
        qualified(&name.schema, &name.name)
    }

    fn column(&self, entity: EntityId, field: FieldIx) -> String {
        ident(&self.model.entity(entity).fields[field].name).into_owned()
    }

    /// Who asks: settings that hold until the transaction ends.
    fn session(&self, actor: &Actor) -> Session {
        let key = actor.viewer.as_ref().and_then(|(entity, label)| self.told.key(*entity, label).into_iter().next());
        let key = key.map(|(_, value)| format!("({value})::text"));
        let options = &self.model.options;
        let claims = format!("{}::jsonb", literal(actor.claims.as_deref().unwrap_or("{}")));
        let set = |name: &str, value: &str| format!("pg_catalog.set_config({}, {value}, true)", literal(name));
        let settings = match options.target {
            Target::Supabase => {
                let sub = key.map_or(String::new(), |key| format!("'sub', {key}, "));
                let own = format!("pg_catalog.jsonb_build_object({sub}'role', {})", literal(&actor.role));
                format!("select {}", set(&options.claims_setting, &format!("({claims} || {own})::text")))
            }
            Target::Postgres | Target::Citus => {
                let viewer = set(&options.viewer_setting, &key.unwrap_or_else(|| "''".to_owned()));
                format!("select {viewer}, {}", set(&options.claims_setting, &format!("({claims})::text")))
            }
        };
        let who = actor.viewer.as_ref().map_or(&actor.role, |(_, label)| label).clone();
        Session { who, role: actor.role.clone(), settings }
    }

    fn step(&mut self, session: &Session, step: &'m ScenarioStep) -> Step {
        let (statement, ask) = match &step.kind {
            ScenarioStepKind::Rows(entity, rows) => self.rows(*entity, rows),
            ScenarioStepKind::Try { deny, what, code } => {
                let (statement, row) = self.tried(what);
                let ask = match deny {
                    true => Ask::Denied { row, code: code.clone() },
                    false => Ask::Allowed { row },
                };
                (statement, ask)
            }
        };
        Step { span: step.span, session: session.clone(), statement, ask }
    }

    fn rows(&self, entity: EntityId, rows: &SeenRows) -> (String, Ask) {
        let table = self.table(entity);
        let count = format!("select count(*) from {table}");
        match rows {
            SeenRows::None => (count, Ask::Count(0)),
            SeenRows::Count(expected) => (count, Ask::Count(*expected)),
            SeenRows::All => (count.clone(), Ask::All { count }),
            SeenRows::Only(labels) => {
                let key = self.keys(entity);
                let known: Vec<String> = self
                    .told
                    .labels(entity)
                    .iter()
                    .map(|label| {
                        format!("select {}, {key} from {table} where {}", literal(label), self.named(entity, label))
                    })
                    .collect();
                let ask = Ask::Only { labels: labels.clone(), known: known.join("\nunion all ") };
                (format!("select {key} from {table}"), ask)
            }
        }
    }

    /// The key of a row as one text.
    fn keys(&self, entity: EntityId) -> String {
        let key = self.model.entity(entity).key.as_ref().map_or(&[][..], |key| &key.fields);
        let columns: Vec<String> = key.iter().map(|field| self.column(entity, *field)).collect();
        format!("pg_catalog.json_build_array({})::text", columns.join(", "))
    }

    /// The condition that finds a labelled row.
    fn named(&self, entity: EntityId, label: &SmolStr) -> String {
        let key = self.told.key(entity, label);
        let parts: Vec<String> =
            key.iter().map(|(field, value)| format!("{} = {value}", self.column(entity, *field))).collect();
        if parts.is_empty() { "false".to_owned() } else { parts.join(" and ") }
    }

    /// A statement, and what finds the row that it is about.
    fn tried(&mut self, what: &'m Try) -> (String, Option<String>) {
        let whole = |table: &str, named: &str| {
            format!("select (\"the row\".*)::text from {table} as \"the row\" where {named}")
        };
        match what {
            Try::Insert(row) => {
                let values = self.told.values(row);
                let table = self.table(row.entity);
                if values.is_empty() {
                    return (format!("insert into {table} default values"), None);
                }
                let columns: Vec<String> = values.iter().map(|(field, _)| self.column(row.entity, *field)).collect();
                let given: Vec<&str> = values.iter().map(|(_, value)| value.as_str()).collect();
                (format!("insert into {table} ({}) values ({})", columns.join(", "), given.join(", ")), None)
            }
            Try::Update(label, row) => {
                let set: Vec<String> = self
                    .told
                    .values(row)
                    .iter()
                    .map(|(field, value)| format!("{} = {value}", self.column(row.entity, *field)))
                    .collect();
                let (table, named) = (self.table(row.entity), self.named(row.entity, label));
                let statement = format!("update {table} set {} where {named}", set.join(", "));
                (statement, Some(whole(&table, &named)))
            }
            Try::Delete(entity, label) => {
                let (table, named) = (self.table(*entity), self.named(*entity, label));
                (format!("delete from {table} where {named}"), Some(whole(&table, &named)))
            }
            Try::Call(at, args) => {
                let function = &self.model.functions[*at];
                let args: Vec<String> = args.iter().map(|arg| self.told.argument(arg).to_string()).collect();
                let name = qualified(&function.name.schema, &function.name.name);
                let word = if function.procedure { "call" } else { "select from" };
                (format!("{word} {name}({})", args.join(", ")), None)
            }
        }
    }
}
